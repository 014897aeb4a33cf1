"""Every owner of a schema, in the order they are migrated."""

import followup_directory.tables
import followup_dispatcher.tables
import followup_intake.tables
import followup_messaging.tables
import followup_people.tables
import followup_replies.tables
import followup_scheduler.tables
import followup_suppression.tables
from followup_database import Owner

OWNERS: tuple[Owner, ...] = (
    followup_messaging.tables.OWNER,
    followup_people.tables.OWNER,
    followup_directory.tables.OWNER,
    followup_suppression.tables.OWNER,
    followup_intake.tables.OWNER,
    followup_scheduler.tables.OWNER,
    followup_dispatcher.tables.OWNER,
    followup_replies.tables.OWNER,
)
