"""Simulations for other eyes: calendars, pictures, and what a crowd of leads adds up to. Pure."""
