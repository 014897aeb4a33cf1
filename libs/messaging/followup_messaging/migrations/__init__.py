"""The schema messaging."""
