"""All estimands that a claim can name."""

from fooling.claims.estimand import Estimand
from fooling.claims.estimands import attacks, probes, retraining, runs

#: By name, in the order of the documentation.
ESTIMANDS: dict[str, Estimand] = {
    found.name: found
    for module in (runs, retraining, probes, attacks)
    for found in vars(module).values()
    if isinstance(found, Estimand)
}
