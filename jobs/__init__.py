"""The jobs: what runs by itself, how often, and who makes the ticks."""
