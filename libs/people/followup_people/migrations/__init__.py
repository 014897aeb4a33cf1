"""Revisions of schema people."""
