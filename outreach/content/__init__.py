"""What a message is made of: blocks, details, the look, the checks before it goes."""
