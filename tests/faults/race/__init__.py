"""Stops against sends, ten thousand times: no send begins after the answer to its stop."""
