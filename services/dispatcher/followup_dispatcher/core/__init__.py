"""Pure decisions of the dispatcher: no I/O, no clock, no randomness."""
