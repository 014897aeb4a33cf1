"""Twilio's webhooks: their signature, their forms, and what we say back."""
