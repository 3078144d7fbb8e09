"""The report: one page that shows the whole study."""
