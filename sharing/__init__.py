"""Publish a study with DVC, restore it elsewhere, and merge what two people have published.

``python -m sharing`` stands around the workflow, as ``make`` does: it asks Snakemake what is up to date, and gives DVC
what is to be kept. Of the study itself it knows no more than where its files lie.
"""
