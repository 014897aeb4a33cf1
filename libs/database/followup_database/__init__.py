"""Engines, transactions, roles, the embedded server and the migration runner."""
