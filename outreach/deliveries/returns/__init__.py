"""Mail that comes back: from a mailbox or a hook, sorted, matched and read."""
