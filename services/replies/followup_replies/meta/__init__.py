"""Meta's Graph: WhatsApp and Instagram messages in, and states of what went out."""
