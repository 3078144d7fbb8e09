#!/bin/sh
# Installs `fooling` from this checkout, and what else it imports, into the environment that Snakemake has just made.
exec python -m pip install --constraint constraints.txt --editable .
