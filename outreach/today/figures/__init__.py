"""The five figures of the month on Today, each with the list of exactly the rows that it counts."""
