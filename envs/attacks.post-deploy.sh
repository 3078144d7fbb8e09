#!/bin/sh
# Install `fooling` from this checkout, with its other dependencies, into the environment that Snakemake has just created.
exec python -m pip install --constraint constraints.txt --editable '.[study,survey]'
