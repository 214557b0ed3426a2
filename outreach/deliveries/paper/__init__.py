"""Letters that are printed because no email may reach the person."""
