"""The bus port, its two adapters, outbox, inbox, dead letters and the consumer loop."""
