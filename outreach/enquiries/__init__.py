"""Refer a friend: cards and links to pass on, the public form, and the people who asked to be called."""
