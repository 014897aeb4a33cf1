"""Migrations of the schema `dispatcher`."""
