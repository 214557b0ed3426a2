"""What is owed after a referral: the acknowledgement, the reports, the thanks, and how long each took."""
