"""One person's mail, from the kept revision to its bytes."""
