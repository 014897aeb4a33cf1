"""Telnyx: texts in, and states of texts."""
