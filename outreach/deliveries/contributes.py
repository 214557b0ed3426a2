"""What this room offers to the rooms below it; `runtime` composes it."""
