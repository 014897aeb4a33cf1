"""Letters that vendors hand on as raw MIME."""

import pytest

from followup_replies.email.arrivals import forwarded
from followup_replies.errors import Unfit
from followup_replies.inbound import Inbound


def test_a_letter_that_cannot_be_read_is_not_taken_in_silence():
    """Its vendor is told, and shows it to somebody; taken without a word it would be lost."""
    head = b"From: a@example.com\r\n"
    (taken,) = forwarded(head + b"\r\nhello", recipient="us@example.com", return_path=None)
    assert isinstance(taken, Inbound)
    with pytest.raises(Unfit):
        forwarded(head + b"X: y\r\n" * 300, recipient="us@example.com", return_path=None)
