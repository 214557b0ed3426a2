"""Outreach: relationship software for therapy practices."""
