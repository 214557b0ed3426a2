"""The value ledger: meals and items against the yearly limit. This room cannot see yield."""
