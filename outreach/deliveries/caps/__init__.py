"""How much mail one person gets over everything: the limits, what counts to them, and who goes first."""
