"""Pure decisions of the scheduler: no I/O, no clock, no randomness."""
