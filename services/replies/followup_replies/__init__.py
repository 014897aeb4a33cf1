"""Takes what comes back: replies, STOP, bounces, delivery states, call outcomes."""
