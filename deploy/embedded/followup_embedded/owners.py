"""Every owner of a schema, in the order they are migrated."""

from followup_directory.tables import OWNER as DIRECTORY
from followup_dispatcher.tables import OWNER as DISPATCHER
from followup_intake.tables import OWNER as INTAKE
from followup_messaging.tables import OWNER as MESSAGING
from followup_people.tables import OWNER as PEOPLE
from followup_replies.tables import OWNER as REPLIES
from followup_scheduler.tables import OWNER as SCHEDULER
from followup_suppression.tables import OWNER as SUPPRESSION

OWNERS = (MESSAGING, PEOPLE, DIRECTORY, SUPPRESSION, INTAKE, SCHEDULER, DISPATCHER, REPLIES)
