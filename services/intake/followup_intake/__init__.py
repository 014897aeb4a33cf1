"""Takes leads and publishes lead events."""
