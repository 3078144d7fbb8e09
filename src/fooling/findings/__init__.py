"""Findings: what the archives show, as tables and claims."""
