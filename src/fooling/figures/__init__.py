"""Figures: one module each, one shared style."""
