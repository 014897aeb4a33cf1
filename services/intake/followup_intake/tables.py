"""The schema `intake`: what was asked twice, imports, sources, and events on their way out."""

from followup_database.migrations import Owner
from followup_database.personal import PersonalTable

OWNER = Owner("intake", "followup_intake")

PERSONAL: tuple[PersonalTable, ...] = (
    PersonalTable("intake", "confirmations", ("wording", "page", "ip", "user_agent")),
    PersonalTable("intake", "delivery_attempts", ("answer",), keep_row=True),
)
"""Rows of an import are kept as verdicts and ids, answers kept for an `Idempotency-Key`
hold ids, events that wait for their lead name it by one; so do events for the product. What
an endpoint answered may repeat what it was told. Leads and their persons are the
people library's."""
