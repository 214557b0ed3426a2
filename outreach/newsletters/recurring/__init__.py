"""Newsletters that come back by themselves: drafted in time, sent only after a person approved them."""
