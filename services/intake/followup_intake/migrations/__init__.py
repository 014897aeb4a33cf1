"""Migrations of the schema `intake`."""
