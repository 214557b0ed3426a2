"""How this practice keeps in touch: intervals, weekly budgets, the digest's switches, and who is overdue."""
