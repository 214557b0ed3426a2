"""The one door outward: the outbox, its ledger, the transports, and what providers report back."""
