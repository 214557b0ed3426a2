"""The Monday digest to the people who work here: what is new, who went quiet, who is overdue. No client is named."""
