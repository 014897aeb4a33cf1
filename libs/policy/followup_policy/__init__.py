"""Pure rules: zones, quiet hours, windows, caps, consent."""
