"""For other services: an HTTP client and an AMQP lead publisher."""
