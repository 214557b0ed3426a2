"""Lunch-and-learns and other meetings: invitations, answers, reminders and follow-up."""
