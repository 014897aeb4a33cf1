"""Intake's routes beside those that take leads in, a module a subject."""
