"""Revisions of schema directory."""
