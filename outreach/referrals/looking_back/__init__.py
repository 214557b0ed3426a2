"""The back-test: how well the lists of the past year would have done against simple counts, for this practice."""
