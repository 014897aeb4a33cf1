"""SendGrid: the Event Webhook and Inbound Parse."""
