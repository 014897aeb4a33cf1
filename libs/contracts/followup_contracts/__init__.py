"""Events, commands and their envelope, as versioned classes."""
