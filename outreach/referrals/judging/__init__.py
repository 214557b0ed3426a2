"""Every source judged in plain words: its status, its next step, and whether the effort for it is well spent."""
