"""The demo practice: Cedar Lane Therapy, two years old, believable, invented, the same for the same seed and day."""
