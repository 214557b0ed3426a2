"""The ways out as administrators set them up: how each is reached, its limits, its keys, its health."""
