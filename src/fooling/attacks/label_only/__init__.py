"""Fooling a classifier that answers with a label alone."""
