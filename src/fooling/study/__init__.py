"""The study as a whole: its settings in one file, their checks, and what the workflow reads off them."""
