"""What people wish about cards: by email, on paper, none, or none on some occasions."""
