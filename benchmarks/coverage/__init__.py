"""How often intervals contain the true value: ``python -m benchmarks.coverage``."""
