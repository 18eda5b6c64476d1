"""The other medicines: one beside azathioprine, and several together."""
