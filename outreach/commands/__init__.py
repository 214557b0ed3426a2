"""What the commands of `outreach` do; `cli` only reads the words."""
