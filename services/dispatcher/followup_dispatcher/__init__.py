"""Sends touches within the rules, and keeps the ledger of attempts."""
