"""The scheduler's routes: parse, call, answer. One module for each resource."""
