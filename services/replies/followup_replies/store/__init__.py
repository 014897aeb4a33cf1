"""This service's SQL, one function per statement."""
