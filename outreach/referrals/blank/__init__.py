"""The blank referral form: a sheet of paper with our services and fax number, to be filled in by hand and faxed."""
