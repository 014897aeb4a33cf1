"""Events out to the products around: numbered, delivered to endpoints, streamed."""
