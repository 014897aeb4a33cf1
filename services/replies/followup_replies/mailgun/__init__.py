"""Mailgun: states of letters, and letters that a route forwards."""
