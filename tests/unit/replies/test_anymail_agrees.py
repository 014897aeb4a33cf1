"""Letters' events as django-anymail reads them, against ours."""

from typing import Any

import pytest
from anymail.webhooks.amazon_ses import AmazonSESTrackingWebhookView
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from django.conf import settings

from followup_replies.mailgun.events import report_of as mailgun_report
from followup_replies.postmark.events import report_of as postmark_report
from followup_replies.ses.events import reports_of as ses_reports

SAME = {
    "queued": {"queued"},
    "sent": {"queued"},  # SES's Send: it was taken, not yet handed on
    "delivered": {"delivered"},
    "deferred": {"deferred", "undelivered"},
    "bounced": {"undelivered"},
    "rejected": {"failed", "undelivered"},
    "failed": {"failed", "undelivered"},
    "opened": {"opened"},
    "clicked": {"clicked"},
    "complained": {"complained"},
    "unsubscribed": {"unsubscribed"},
    "autoresponded": {"delivered"},
}
"""Anymail's words and ours. A deferral that will not be tried again is an end for us."""


@pytest.fixture(scope="module", autouse=True)
def anymail() -> None:
    if not settings.configured:
        settings.configure(
            USE_TZ=True,
            ANYMAIL={"WEBHOOK_SECRET": "a:b", "MAILGUN_WEBHOOK_SIGNING_KEY": "made-up"},
        )


def mailgun(event: str, **more: Any) -> dict[str, Any]:
    data = {"event": event, "id": "1", "timestamp": 1795334400.5, "recipient": "a@example.com",
            "message": {"headers": {"message-id": "x@example.org", "to": "a@example.com"}},
            "user-variables": {}} | more  # fmt: skip
    return {"event-data": data, "signature": {"token": "t"}}


PERMANENT = {"severity": "permanent", "reason": "bounce",
             "delivery-status": {"code": 550, "message": "5.1.1 no such user"}}  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        mailgun("accepted"),
        mailgun("delivered"),
        mailgun("opened"),
        mailgun("clicked", url="https://example.com"),
        mailgun("complained"),
        mailgun("unsubscribed"),
        mailgun("failed", severity="temporary", reason="generic"),
        mailgun("failed", **PERMANENT),
        mailgun("rejected", reject={"reason": "Sandbox"}),
    ],
    ids=lambda body: body["event-data"]["event"],
)
def test_mailgun(body):
    """Same letter, same address, the same kind of event."""
    theirs = MailgunTrackingWebhookView().esp_to_anymail_event(body)
    ours = mailgun_report(body)
    assert ours.state in SAME[theirs.event_type]
    assert ours.provider_ref == theirs.message_id
    if ours.about is not None:
        assert ours.about.address == theirs.recipient


def postmark(record: str, **more: Any) -> dict[str, Any]:
    return {"RecordType": record, "MessageID": "m1", "Recipient": "a@example.com",
            "Email": "a@example.com", "Metadata": {"attempt": "x"}} | more  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        postmark("Delivery", DeliveredAt="2026-11-22T08:00:00Z"),
        postmark("Open", ReceivedAt="2026-11-22T08:00:00Z"),
        postmark("Click", OriginalLink="https://example.com"),
        postmark("SpamComplaint", Type="SpamComplaint", ID=1),
        *(
            postmark("Bounce", Type=kind, ID=2, Details="smtp;550 5.1.1 unknown")
            for kind in ("HardBounce", "SoftBounce", "Transient", "DnsError", "AutoResponder",
                         "AddressChange", "BadEmailAddress", "Blocked", "Unsubscribe",
                         "SMTPApiError", "VirusNotification", "ChallengeVerification")
        ),
        postmark("SubscriptionChange", SuppressSending=True, SuppressionReason="HardBounce"),
        postmark("SubscriptionChange", SuppressSending=True, SuppressionReason="SpamComplaint"),
        postmark("SubscriptionChange", SuppressSending=True, SuppressionReason="ManualSuppression"),
    ],
    ids=lambda body: body.get("Type") or body.get("SuppressionReason") or body["RecordType"],
)  # fmt: skip
def test_postmark(body):
    """Same letter, same address, the same kind of event."""
    theirs = PostmarkTrackingWebhookView().esp_to_anymail_event(body)
    ours = postmark_report(body)
    assert ours.state in SAME[theirs.event_type]
    assert ours.provider_ref == theirs.message_id
    if ours.about is not None:
        assert ours.about.address == theirs.recipient


def ses(kind: str, **more: Any) -> dict[str, Any]:
    mail = {"messageId": "m1", "destination": ["a@example.com", "b@example.com"], "headers": []}
    return {"eventType": kind, "mail": mail} | more


WHOM = [{"emailAddress": "a@example.com"}, {"emailAddress": "b@example.com"}]


@pytest.mark.parametrize(
    "message",
    [
        ses("Send", send={}),
        ses("Delivery", delivery={"recipients": ["a@example.com", "b@example.com"]}),
        ses("Open", open={}),
        ses("Click", click={"link": "https://example.com"}),
        ses("Bounce", bounce={"bounceType": "Permanent", "bounceSubType": "General",
                              "bouncedRecipients": WHOM}),
        ses("Complaint", complaint={"complainedRecipients": WHOM}),
        ses("Reject", reject={"reason": "Bad content"}),
        ses("Rendering Failure", failure={"errorMessage": "x", "templateName": "t"}),
    ],
    ids=lambda message: message["eventType"],
)  # fmt: skip
def test_ses(message):
    """An event for each recipient, of the same kind."""
    # Its constructor would connect to Amazon; its reading needs nothing of that.
    view = AmazonSESTrackingWebhookView.__new__(AmazonSESTrackingWebhookView)
    theirs = view.esp_to_anymail_events(message, {"MessageId": "n1"})
    ours = ses_reports(message)
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs, strict=True):
        assert our.state in SAME[their.event_type]
        assert our.provider_ref == their.message_id
