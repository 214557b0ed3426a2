"""Exports of an EMR on their way into the referral log: what a client could be known by is dropped at the door."""
