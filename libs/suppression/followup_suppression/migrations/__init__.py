"""Revisions of schema suppression."""
