"""Counting tokens offline: encodings, message framing, estimates, and the pool that spares the program's threads."""
