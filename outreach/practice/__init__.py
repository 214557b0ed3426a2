"""The practice itself: who works there, where, for which payers, and who may sign in."""
