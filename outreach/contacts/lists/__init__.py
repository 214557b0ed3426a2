"""The list of contacts as people keep it: saved views, columns, and what is done to many at once."""
