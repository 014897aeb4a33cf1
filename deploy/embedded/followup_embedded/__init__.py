"""Everything in one process, and the followup command."""
