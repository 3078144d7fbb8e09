"""Figures: a function and an entry in the catalogue each, and one shared style."""
