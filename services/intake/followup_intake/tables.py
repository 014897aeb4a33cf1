"""The schema `intake`: what was asked twice, and imports with what became of each row."""

from followup_database.migrations import Owner
from followup_database.personal import PersonalTable

OWNER = Owner("intake", "followup_intake")

PERSONAL: tuple[PersonalTable, ...] = (
    PersonalTable("intake", "confirmations", ("wording", "page", "ip", "user_agent")),
)
"""Rows of an import are kept as verdicts and ids, answers kept for an `Idempotency-Key`
hold ids, events that wait for their lead name it by one. Leads and their persons are the
people library's."""
