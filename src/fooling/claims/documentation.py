"""The documentation of all declared claims: the content of ``docs/claims.md``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fooling.claims.claim import Claim, Claims
from fooling.claims.estimand import Estimand
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.page import agreeing_in_words, source_value
from fooling.claims.verdicts import UNITS_FOR_ANY, exactly_in_words
from fooling.formatting import table_row

DATA_FILES = ("documentation.md",)

FAMILY_RULES = {
    "readings": "several readings of one number: the primary one counts, the others get no verdict",
    "all": "all claims must hold: each is tested without correction",
    "any": "one claim must hold: one-sided p-values at the bound, corrected by Holm's method",
}


def claims_documentation(claims: Claims) -> str:
    """Return the content of ``docs/claims.md``: all declared claims, families and estimands."""
    head = (Path(__file__).parent / DATA_FILES[0]).read_text(encoding="utf-8")
    filled = {
        "UNITS_FOR_ANY": str(UNITS_FOR_ANY),
        "FAMILIES": "".join(_family_rows(claims)),
        "CLAIMS": "".join(_chapters(claims)),
        "ESTIMANDS": "".join(map(_estimand, ESTIMANDS.values())),
    }
    for name, text in filled.items():
        head = head.replace(f"{{{name}}}", text)
    return head


def _estimand(found: Estimand) -> str:
    parameters = [f"**{name}**" for name in sorted(found.needs)] + sorted(found.takes)
    return table_row((f"`{found.name}`", found.words, ", ".join(parameters)))


def _family_rows(claims: Claims) -> Iterator[str]:
    for family in claims.families:
        members = claims.members(family.id)
        names = ", ".join(f"**`{claim.id}`**" if claim.primary else f"`{claim.id}`" for claim in members)
        yield table_row((f"`{family.id}`", FAMILY_RULES[family.rule], len(members), names))


def _chapters(claims: Claims) -> Iterator[str]:
    kinds = dict.fromkeys(claim.kind for claim in claims.claims)
    for kind in kinds:
        chosen = [claim for claim in claims.claims if claim.kind == kind]
        yield f"\n### {kind[0].upper()}{kind[1:]} ({len(chosen)})\n\n"
        yield "| claim | source | source's value | agrees | null | units | estimand | declared |\n"
        yield "|---|---|---|---|---|---|---|---|\n"
        yield from map(_claim_row, chosen)


def _claim_row(claim: Claim) -> str:
    words = f"`{claim.id}`: {claim.claim}"
    if claim.note is not None:
        words += f" *{claim.note}*"
    paper = "-" if claim.paper is None else source_value(claim)
    cells = (
        *(words, claim.where, paper, agreeing_in_words(claim) + (", one-sided" if claim.sided == "one" else "")),
        *(exactly_in_words(claim.null_value, claim.unit), str(claim.minimum)),
        *("-" if claim.estimand is None else f"`{claim.estimand}`", claim.declared.isoformat()),
    )
    return table_row(cells)
