"""Analytics, lift and the monthly report."""
