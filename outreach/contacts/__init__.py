"""Contacts: people and organizations, groups, import and merge, consent, timeline, tasks, standing."""
