"""E-mail that comes in: by a mail server's delivery, or as raw MIME from a provider."""
