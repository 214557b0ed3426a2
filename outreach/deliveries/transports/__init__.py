"""Ways for a message to leave, all behind one protocol."""
