"""Holiday and anniversary cards, by email and on paper."""
