"""Publish a study with DVC, restore it, and merge what two people published.

``python -m sharing`` calls Snakemake and DVC from outside, as ``make`` does: Snakemake reports what is up to date, and
DVC stores the results. This package only needs to know where the files of a study are.
"""
