"""Vonage: texts in and states of texts, by the SMS API and the Messages API."""
