"""Clocks, builders, brokers, databases and fault proxies for tests."""
