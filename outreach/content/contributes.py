"""What this room offers to the rooms below it; `runtime` composes it. Its own blocks are always there."""
