"""Messages in: load, decide, save. One module for each queue the scheduler reads."""
