"""The steady load: leads by HTTP, what people answer by signed webhooks.

Clients behave as real ones do: a lead is sent again with the same Idempotency-Key, a
webhook with the same id, until it is acknowledged; only what was acknowledged counts.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import aiohttp

from chaos.evidence import Lead, Taken, Word
from chaos.scene import REPLIES, STOP, TWICE, Person, first_person, people
from followup_testkit.twilio.server import sign
from followup_testkit.waiting import until

PATIENCE = 240.0
"""Seconds for which a client tries: longer than anything that is injured lasts."""
TIMEOUT = 8.0
LOOK_EVERY = 0.3
REPLYING, STOPPING = 0.08, 0.07
"""Shares of touches that are answered, and answered with STOP."""


@dataclass
class Load:
    """Posts leads and lets people answer; keeps what was acknowledged."""

    session: aiohttp.ClientSession
    urls: Mapping[str, str]
    control: str
    token: str
    hook: str
    auth_token: str
    account_sid: str
    random: Random
    leads: list[Lead] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _answered: set[str] = field(default_factory=set)
    _kinds: dict[str, str] = field(default_factory=dict)

    async def run(self, *, rate: float, seconds: float) -> None:
        """Leads at a rate, answers to what comes; returns when all of it is acknowledged."""
        listening = asyncio.create_task(self._listen())
        try:
            async with asyncio.TaskGroup() as group:
                begin = asyncio.get_running_loop().time()
                for person in people(self.random, now=datetime.now(UTC)):
                    at = person.number / rate
                    if at > seconds:
                        break
                    await asyncio.sleep(begin + at - asyncio.get_running_loop().time())
                    group.create_task(self._follow(person))
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def try_one(self, *, within: float) -> None:
        """One lead and its touch while all is well: a run that begins broken says nothing."""
        await self._follow(first_person(datetime.now(UTC)))

        async def came() -> bool:
            async with self.session.get(f"{self.control}/ledger") as answer:
                return bool((await answer.json())["items"])

        await until(came, within=within, what="the first touch has come")

    async def _follow(self, person: Person) -> None:
        self._kinds[person.phone] = person.kind
        if person.answers is not None:
            self._answered.add(person.phone)
        lead_id = await self._post_lead(person)
        if lead_id is None:
            return
        self.leads.append(Lead(lead_id, person.kind, person.phone, person.place))
        async with asyncio.TaskGroup() as group:
            if person.kind == "capped":
                group.create_task(self._enroll(lead_id))
            if person.answers is not None:
                group.create_task(self._say(person.phone, person.answers, person.answers_after))

    async def _post_lead(self, person: Person) -> str | None:
        headers = {"Idempotency-Key": f"lead-{person.number}"}
        answer = await self._until_acknowledged(
            "lead", f"{self.urls['intake']}/v1/leads", json=person.body, headers=headers
        )
        return None if answer is None else str(answer["lead_id"])

    async def _enroll(self, lead_id: str) -> None:
        body = {"lead_id": lead_id, "sequence": TWICE[1]}
        await self._until_acknowledged(
            "enrollment", f"{self.urls['scheduler']}/v1/enrollments", json=body
        )

    async def _listen(self) -> None:
        """Answer some of the touches that have come, once each person."""
        seen = 0
        tasks: set[asyncio.Task[None]] = set()
        try:
            while True:
                await asyncio.sleep(LOOK_EVERY)
                async with self.session.get(f"{self.control}/ledger?since={seen}") as answer:
                    items = (await answer.json())["items"]
                seen += len(items)
                for taken in map(Taken.read, items):
                    if (word := self._answer_to(taken)) is not None:
                        pause = self.random.uniform(0, 8)
                        task = asyncio.create_task(self._say(taken.to, word, pause))
                        tasks.add(task)
                        task.add_done_callback(tasks.discard)
        finally:
            # Whoever has begun to write goes on until they are heard.
            await asyncio.gather(*tasks)

    def _answer_to(self, taken: Taken) -> str | None:
        if not taken.accepted or taken.to in self._answered:
            return None
        self._answered.add(taken.to)
        dice = self.random.random()
        if dice < STOPPING:
            return STOP
        # A lead with a second enrollment on its way could be entered after the reply.
        if dice < STOPPING + REPLYING and self._kinds.get(taken.to) == "steady":
            return self.random.choice(REPLIES)
        return None

    async def _say(self, phone: str, body: str, pause: float) -> None:
        """Write a text; the vendor brings it until it is acknowledged."""
        await asyncio.sleep(pause)
        self.counts["words"] += 1
        form = {
            "MessageSid": f"SM{self.random.getrandbits(128):032x}",
            "AccountSid": self.account_sid,
            "From": phone,
            "To": "+12025550100",
            "Body": body,
            "NumMedia": "0",
        }
        headers = {"X-Twilio-Signature": sign(self.auth_token, self.hook, form)}
        place = len(self.words)
        self.words.append(Word(phone, body, body == STOP, None))
        answer = await self._until_acknowledged("word", self.hook, data=form, headers=headers)
        at = datetime.now(UTC) if answer is not None else None
        self.words[place] = Word(phone, body, body == STOP, at)

    async def _until_acknowledged(
        self, what: str, url: str, **request: Any
    ) -> Mapping[str, Any] | None:
        """Send until it is answered with 2xx; None when it is refused or nobody ever answers."""
        end, pause = asyncio.get_running_loop().time() + PATIENCE, 0.2
        if "data" not in request:
            own = {"Authorization": f"Bearer {self.token}"}
            request["headers"] = own | request.get("headers", {})
        while asyncio.get_running_loop().time() < end:
            status, body = await self._once(url, request)
            if 200 <= status < 300:
                self.counts[f"{what} acknowledged"] += 1
                return body
            if 400 <= status < 500 and status not in (408, 409, 429):
                self.counts[f"{what} refused with {status}"] += 1
                return None
            if status == 500:
                self.counts[f"{what} answered with 500"] += 1
            self.counts[f"{what} sent again"] += 1
            await asyncio.sleep(pause * self.random.uniform(0.5, 1.0))
            pause = min(4.0, pause * 2)
        self.counts[f"{what} never acknowledged"] += 1
        return None

    async def _once(self, url: str, request: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        try:
            async with self.session.post(url, timeout=timeout, **request) as answer:
                json = answer.content_type == "application/json"
                return answer.status, await answer.json() if json else {}
        except (aiohttp.ClientError, OSError, TimeoutError):
            return 0, {}
