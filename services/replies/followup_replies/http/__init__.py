"""The routes that are no provider's webhook."""
