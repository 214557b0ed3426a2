"""Referrals: the log, its yield, lapsing referrers and attribution."""
