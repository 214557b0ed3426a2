"""The plan of the day by email: each person's meetings and duties, on weekday mornings. No client is named."""
