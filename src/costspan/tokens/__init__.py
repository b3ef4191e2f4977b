"""Counting tokens here, offline: encodings, message framing, estimates, and the pool that keeps it off the program's threads."""
