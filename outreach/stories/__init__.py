"""Testimonials: asking, signing, withdrawing, and where each is used."""
