"""Data sets: fetched, verified, and brought to one form."""
