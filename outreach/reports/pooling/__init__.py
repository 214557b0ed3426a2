"""What one touch adds: finished hold-outs of the same sort, taken together and held against the assumption."""
