"""Tenants, API keys, senders, provider accounts and templates."""
