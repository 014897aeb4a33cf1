"""Drafts by any server that speaks the OpenAI chat completions API.

https://platform.openai.com/docs/api-reference/chat/create; many others serve the same.
"""

import re
from typing import Any

import httpx
import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from followup_contracts.channels import TRAITS
from followup_contracts.payload import Channel
from followup_scheduler.core.content import Body
from followup_scheduler.drafters.port import Brief, Draft, NoDraft

_BUSY = 429
_SERVERS_FAULT = 500
_LONGEST_ANSWER = 200_000
_RULES = """You write one message of a business to a person who asked for something. Take the \
given text as its purpose: keep what it says, its one call to action and its dates, and fit it \
to what is known of the person. Three to five sentences. The first refers to something of this \
person. End with a question that is easy to answer. Never "just checking in" or the like. Invent \
nothing: no prices, dates, names or promises that are not given. Words in double braces are \
places to be filled in: fill them from what is known, or write around them. Answer with one JSON \
object with exactly these keys: {parts}."""


class _Words(BaseModel):
    model_config = ConfigDict(extra="ignore")

    content: str


class _Choice(BaseModel):
    model_config = ConfigDict(extra="ignore")

    message: _Words


class _Completion(BaseModel):
    model_config = ConfigDict(extra="ignore")

    choices: tuple[_Choice, ...]


class ModelDrafter:
    """Asks a model. A slow or failing one gives no draft; nothing else ever waits for it."""

    def __init__(self, client: httpx.AsyncClient, *, model: str) -> None:
        """`client` has the base URL, the key and the time limit."""
        self._client = client
        self._model = model

    async def draft(self, brief: Brief) -> Draft | NoDraft:
        """A draft in the parts of its channel."""
        try:
            answer = await self._client.post("chat/completions", json=self._question(brief))
        except httpx.HTTPError as error:
            return NoDraft(f"the model did not answer: {type(error).__name__}", again=True)
        if answer.status_code == _BUSY or answer.status_code >= _SERVERS_FAULT:
            return NoDraft(f"the model answered {answer.status_code}", again=True)
        if not answer.is_success:
            return NoDraft(f"the model answered {answer.status_code}", again=False)
        return _draft(answer.content, brief.channel)

    def _question(self, brief: Brief) -> dict[str, Any]:
        known = "\n".join(f"{name}: {value}" for name, value in sorted(brief.known.items()))
        plain = "\n".join(f"{part}: {said}" for part, said in brief.plain.items() if part != "html")
        rules = _RULES.replace("{parts}", ", ".join(_parts(brief.channel)))
        return {
            "model": self._model,
            "temperature": 0.4,
            "messages": [
                {"role": "system", "content": rules},
                {
                    "role": "user",
                    "content": f"Channel: {brief.channel}\nThe text:\n{plain}\n\nKnown:\n{known}",
                },
            ],
        }


def _parts(channel: Channel) -> tuple[str, ...]:
    """What a draft of this channel consists of; HTML is made of its text."""
    return TRAITS[channel].requires


def _draft(content: bytes, channel: Channel) -> Draft | NoDraft:
    if len(content) > _LONGEST_ANSWER:
        return NoDraft("the model's answer is too long", again=False)
    try:
        words = _Completion.model_validate_json(content).choices[0].message.content
        said = orjson.loads(_unfenced(words))
        body = {part: _plain(said[part]) for part in _parts(channel)}
        wrong = Body.model_validate(body).misfits(channel)
    except (ValidationError, orjson.JSONDecodeError, LookupError, TypeError, ValueError):
        return NoDraft("the model's answer is not what was asked for", again=True)
    return Draft(body) if wrong is None else NoDraft(f"the model's answer: {wrong}", again=True)


def _unfenced(words: str) -> str:
    """Without the fence of code that some models put around JSON."""
    fenced = re.search(r"```(?:json)?\s*(\{.*\})\s*```", words, re.DOTALL)
    return fenced.group(1) if fenced else words


def _plain(words: Any) -> str:
    """Words as they are; raises ValueError for none, and for what Liquid would read."""
    if not isinstance(words, str) or not words.strip() or re.search(r"\{\{|\{%", words):
        raise ValueError("no plain words")
    return words.strip()
