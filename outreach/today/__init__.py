"""Whom to reach and why; what goes out today; what waits; the calendar; search."""
