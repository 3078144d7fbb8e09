"""The tables of the findings: their columns and what each holds. ``docs/tables.md`` says what they mean."""
