"""What a reply means: pure, synchronous, without a clock."""
