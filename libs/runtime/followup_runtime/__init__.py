"""Clocks, loops, settings, logging, metrics, health and drain."""
