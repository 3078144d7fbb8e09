"""Images without a search: random ones, changed ones, and champions without some of their repeated elements."""
