"""What stands on which day: the month, one person's day and week, and the mail that leaves, by local day."""
