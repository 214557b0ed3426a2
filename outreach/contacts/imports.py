"""The tables of imports: what was uploaded, and what became of each row."""
