"""Audit any network: how easily is it fooled, by which search, and how much of that is evolution."""
