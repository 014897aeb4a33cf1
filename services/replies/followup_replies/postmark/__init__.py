"""Postmark: states of letters, and letters that come in."""
