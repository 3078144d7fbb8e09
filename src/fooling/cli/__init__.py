"""The front door: one small module per command, the only place that reads and writes files."""
