"""Benchmarks: one command each, measured side by side with a floor program that does the bare minimum."""
