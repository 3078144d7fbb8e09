"""``python -m benchmarks.coverage``: measure how often intervals contain the true value, and keep it.

Two parts: ``estimates``, of classifiers, chains and runs, two minutes of one core; and ``people``, of the survey, four
minutes. The numbers of all cells are kept in ``benchmarks/coverage.json``; the tables are printed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.coverage import estimates, people
from fooling.artifacts import write_json


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("part", nargs="*", default=["estimates", "people"], help="estimates, people, or both")
    parser.add_argument("--simulations", type=int, default=2000, help="simulated studies of each cell of the estimates")
    parser.add_argument("--studies", type=int, default=1000, help="simulated studies of people of each size")
    output = Path(__file__).parent.with_suffix(".json")
    parser.add_argument("--output", type=Path, default=output, help="the JSON file")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.part) - {"estimates", "people"}):
        parser.error(f"no part {', '.join(unknown)}: choose estimates or people")
    kept = {}
    if "estimates" in arguments.part:
        kept["estimates"] = rows = estimates.measured(arguments.simulations)
        print(estimates.table(rows))
        print("Short of the goal:", "; ".join(estimates.short_of_goal(rows)) or "none")
    if "people" in arguments.part:
        kept["people"] = rows = people.measured(arguments.studies)
        print(people.table(rows))
    write_json(arguments.output, kept)


if __name__ == "__main__":
    main()
