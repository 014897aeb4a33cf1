"""The schema `replies`: what went out, what providers reported, what people answered."""

from followup_database.migrations import Owner
from followup_database.personal import PersonalTable

SCHEMA = "replies"
OWNER = Owner(SCHEMA, "followup_replies")

PERSONAL: tuple[PersonalTable, ...] = (
    PersonalTable(SCHEMA, "callbacks", ("report", "payload")),
    PersonalTable(SCHEMA, "clicks", ("link", "minute", "at")),
    # Before messages: whoever has parts in hand is waited for, and makes one of them.
    PersonalTable(
        SCHEMA,
        "parts",
        ("address", "our_address", "body", "payload"),
        address_column="address",
    ),
    PersonalTable(
        SCHEMA,
        "messages",
        ("our_address", "address", "subject", "body", "answer", "payload", "thread"),
        address_column="address",
    ),
    PersonalTable(SCHEMA, "written", ("subject", "body", "written_by")),
)
