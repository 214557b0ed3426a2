"""Newsletter issues."""
