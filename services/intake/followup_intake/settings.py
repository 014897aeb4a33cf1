"""Intake's own settings."""

from dataclasses import dataclass
from datetime import timedelta

from followup_intake.outgoing.line import CALL_SECONDS
from followup_messaging.sweeper import REPUBLISH_AFTER


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """Times of intake, all by machine time, and where it calls.

    `republish_after`: how long an announced lead may stay unhandled. Shorter than what
    its consumers need makes work; it never makes a lead twice. `patience`: how long an
    event from the bus waits for a lead nobody knows yet before it is a dead letter.
    `graph_url`: the version of Meta's Graph API that leads are fetched from.
    `webhook_seconds`: what a call to an endpoint of the product may take.
    """

    republish_after: timedelta = REPUBLISH_AFTER
    patience: timedelta = timedelta(minutes=15)
    graph_url: str = "https://graph.facebook.com/v21.0"
    webhook_seconds: float = CALL_SECONDS
