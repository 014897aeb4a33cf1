"""A second opinion refines what is unclear, and never takes an opt-out back."""

import asyncio
import json
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_replies.classifiers import OpenAiClassifier, openai_client
from followup_replies.core.intents import INTENTS
from followup_replies.core.reading import InboundText, Reading, read
from followup_replies.core.refining import Opinion, refined
from followup_replies.inbound import Inbound
from followup_replies.opinions import SecondOpinions

RECEIVED = datetime(2026, 11, 22, 15, tzinfo=UTC)


def sms(body: str) -> Reading:
    return read(InboundText(channel="sms", body=body), received=RECEIVED)


def unclear(intent: str = "other", confidence: float = 0.3) -> Reading:
    return Reading(
        intent=intent,  # type: ignore[arg-type] # a label
        opt_out=False,
        keyword=None,
        confidence=confidence,
        until=None,
        rules=(),
    )


opinions = st.builds(
    Opinion,
    intent=st.sampled_from(INTENTS),
    opt_out=st.booleans(),
    confidence=st.floats(min_value=0, max_value=1),
)


@given(opinions, st.sampled_from(["STOP", "take me off your list", "This is harassment"]))
def test_an_opt_out_stays_whatever_anybody_thinks(opinion: Opinion, body: str) -> None:
    """Rules and keywords have the last word on opting out."""
    assert refined(sms(body), opinion) == sms(body)


@given(opinions)
def test_a_clear_reading_needs_no_opinion(opinion: Opinion) -> None:
    """Asked or not, it stays."""
    clear = unclear("interested", 0.9)
    assert refined(clear, opinion) == clear


def test_an_unclear_reading_takes_a_sure_opinion() -> None:
    """An unsure one changes nothing, and none at all neither."""
    sure = refined(unclear(), Opinion("not_now", opt_out=False, confidence=0.9))
    assert (sure.intent, sure.confidence, sure.rules) == ("not_now", 0.9, ("classifier.not_now",))
    assert refined(unclear(), Opinion("not_now", opt_out=False, confidence=0.3)) == unclear()
    assert refined(unclear(), None) == unclear()


def test_an_opt_out_that_only_the_classifier_sees_counts() -> None:
    """In doubt it stops, however sure anybody is."""
    stopped = refined(unclear(), Opinion("opt_out", opt_out=False, confidence=0.2))
    assert (stopped.intent, stopped.opt_out) == ("other", True)


def classifier(content: object, *, status: int = 200) -> OpenAiClassifier:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        assert str(request.url) == "https://models.example.com/v1/chat/completions"
        assert request.headers["Authorization"] == "Bearer made-up"
        assert (asked["model"], asked["messages"][1]["role"]) == ("small", "user")
        if status == 599:
            raise httpx.ReadTimeout("too late", request=request)
        return httpx.Response(status, json={"choices": [{"message": {"content": content}}]})

    # The transport alone is another one: what is sent is what would be sent.
    client = openai_client(
        "https://models.example.com/v1", key="made-up", transport=httpx.MockTransport(answer)
    )
    return OpenAiClassifier(client, model="small")


async def test_a_server_is_asked_as_its_api_says() -> None:
    """The answer may stand in a fence, as models like to write it."""
    said = '```json\n{"intent": "referral", "opt_out": false, "confidence": 0.8}\n```'
    found = await classifier(said).opinion("ask my boss")
    assert found == Opinion("referral", opt_out=False, confidence=0.8)


@pytest.mark.parametrize(
    "content",
    [
        *("", "no idea", "{}", '{"intent": "joy", "opt_out": false, "confidence": 1}', None, 7),
        '{"intent": "other", "opt_out": "no", "confidence": 1}',
        '{"intent": "other", "opt_out": false, "confidence": 7}',
        "}{",
    ],
)
async def test_an_answer_that_is_no_label_is_no_opinion(content: object) -> None:
    """Whatever a model makes up, nothing follows from it."""
    assert await classifier(content).opinion("hello") is None


@pytest.mark.parametrize("status", [401, 429, 500, 599])
async def test_a_server_that_does_not_answer_is_no_opinion(status: int) -> None:
    """A refusal, an error and a time-out leave the reading as it was."""
    assert await classifier("{}", status=status).opinion("hello") is None


async def test_only_unclear_messages_are_asked_about() -> None:
    """A stop goes through without a question; of an answer only its writer's words are shown."""
    asked: list[str] = []

    class Listening:
        async def opinion(self, text: str) -> Opinion | None:
            asked.append(text)
            return Opinion("referral", opt_out=False, confidence=0.9)

    def said(body: str) -> Inbound:
        return Inbound(channel="sms", vendor_id=body, sender="+1", recipient="+2", body=body)

    arrivals = [said("STOP"), said("qwv zzk brrp\n\n> Reply STOP to opt out")]
    first, second = await SecondOpinions(Listening()).asked(arrivals)
    assert first == arrivals[0]
    assert isinstance(second, Inbound)
    assert second.opinion == Opinion("referral", opt_out=False, confidence=0.9)
    assert asked == ["qwv zzk brrp"]


async def test_an_opinion_that_does_not_come_costs_no_message() -> None:
    """Vendors wait for seconds, and give up telling of what is never answered."""

    class Silent:
        async def opinion(self, text: str) -> Opinion | None:
            del text
            await asyncio.Event().wait()
            return None

    said = Inbound(channel="sms", vendor_id="1", sender="+1", recipient="+2", body="qwv zzk")
    assert await SecondOpinions(Silent()).asked([said], seconds=0.01) == [said]
