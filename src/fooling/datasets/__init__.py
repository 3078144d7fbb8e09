"""Fetch and verify data sets, and bring them to one form."""
