"""Payer fit and leakage: who sends plans that we do not take, why referrals are lost, and what we do about it."""
