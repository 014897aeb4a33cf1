"""Owns every wait and emits touch commands when they are due."""
