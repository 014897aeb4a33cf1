"""Reading and normalising leads: pure, synchronous, no clock, no I/O of its own."""
