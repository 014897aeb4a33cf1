"""Calls under way: what is said, which keys mean what, and who is connected."""
