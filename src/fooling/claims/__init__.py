"""Claims: what the paper and this study assert, and what the tables of a study say about it."""
