"""Drip campaigns: sequences of emails, waits, conditions and tasks."""
