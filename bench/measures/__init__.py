"""What `make bench` measures, one figure or a few of a kind a module."""
