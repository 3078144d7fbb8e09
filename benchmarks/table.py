"""The figures as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks import default_study
from benchmarks.figures import FIGURES

COLUMNS = "{:<22} {:>8}  {:<18} {:>16}  {:<8} {}"


def as_table(results: Mapping[str, Any]) -> str:
    """One line a figure, under a description of the machine."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['instructions']}, load {machine['load']}",
        f"{machine['threads']} thread, Python {machine['python']}, {versions}",
        "",
        COLUMNS.format("figure", "value", "quartiles", "goal", "", "medians").rstrip(),
    ]
    lines += [_line(key, results[key]) for key in (*(figure.key for figure in FIGURES), default_study.KEY)]
    return "\n".join(lines)


def _line(key: str, figure: Mapping[str, Any]) -> str:
    goal = f"{figure['goal_is']} {figure['goal']:,g}"
    if figure["value"] is None:
        return COLUMNS.format(key, "-", "-", goal, "", f"not measured: {figure['not_measured']}")
    met = "met" if figure["met"] else "MISSED"
    if "rates" not in figure:
        return COLUMNS.format(key, _short(figure["value"]), "-", goal, met, f"{figure['unit']}, {figure['jobs']} jobs")
    low, high = figure["quartiles"]
    rates = " / ".join(f"{rate['median']:,.0f}" for rate in figure["rates"].values())
    spread = f"{_short(low)} to {_short(high)}"
    projected = figure.get("projected_minutes")
    whole = "" if projected is None else f"; a run of 5000 generations in {projected:.1f} minutes"
    return COLUMNS.format(key, _short(figure["value"]), spread, goal, met, f"{rates} {figure['rate']}{whole}")


def _short(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.2f}"
