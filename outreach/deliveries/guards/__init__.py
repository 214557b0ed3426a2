"""What stops all mail by itself: a clock that jumped, an old copy, a full disk, mail that comes back."""
