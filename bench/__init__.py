"""Benchmarks: one command each, measured side by side with a floor program that does the bare minimum."""

import time

BEGAN = time.perf_counter()
"""Before anything of the product is imported: what a start takes is told beside each figure."""
