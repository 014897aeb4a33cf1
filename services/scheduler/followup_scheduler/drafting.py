"""Having drafts written for touches that ask for one, while they wait for their time."""

from asyncio import gather, timeout
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from followup_database import Database, Transaction
from followup_directory import put_templates, templates
from followup_directory.tenants import tenants_by_id
from followup_people import views
from followup_runtime.loops import Tick
from followup_scheduler.drafters.port import Brief, Draft, Drafter, NoDraft
from followup_scheduler.store import reviews, touches

EVERY = 1.0
AGAIN = timedelta(minutes=1)
"""Longer than a model may take: until then nobody else asks for the same draft."""
LONGEST = 30.0
"""Seconds for one draft in all, however slowly a server goes on talking."""
ATTEMPTS = 3


class Drafting:
    """Asks the drafter, outside every transaction; a touch never waits for it.

    What is written in time takes the template's place where no approval is asked, and is
    shown to the person where one is. Any number of schedulers may run it at once.
    """

    name = "scheduler:drafting"

    def __init__(self, database: Database, drafter: Drafter, *, most: int = 8) -> None:
        self._database = database
        self._drafter = drafter
        self._most = most

    async def run_once(self) -> Tick:
        """Some drafts at once, each kept in a transaction of its own."""
        async with self._database.transaction() as tx:
            taken = await reviews.take(tx, most=self._most, again=AGAIN)
            briefs = await _briefs(tx, taken) if taken else {}
        answers = await gather(*(self._answer(briefs.get(each["touch_id"])) for each in taken))
        for review, answer in zip(taken, answers, strict=True):
            async with self._database.transaction() as tx:
                await _keep(tx, review, answer)
        return Tick(len(taken), 0.0 if len(taken) == self._most else EVERY)

    async def _answer(self, brief: Brief | None) -> Draft | NoDraft:
        """What the drafter says in time; what nothing is known for is not asked for again."""
        if brief is None:
            return NoDraft("there is nobody to write to", again=False)
        try:
            async with timeout(LONGEST):
                return await self._drafter.draft(brief)
        except TimeoutError:
            return NoDraft("the model took too long", again=True)


async def _briefs(tx: Transaction, taken: Sequence[Mapping[str, Any]]) -> dict[UUID, Brief]:
    """What the drafter is told, by touch; nothing where the person is gone."""
    people = await views(tx, [(review["lead_id"], review["person_id"]) for review in taken])
    tenants = await tenants_by_id(tx, [review["tenant_id"] for review in taken])
    plain = await templates(tx, [(review["tenant_id"], review["plain"]) for review in taken])
    places = await touches.places_of(tx, [review["touch_id"] for review in taken])
    found: dict[UUID, Brief] = {}
    for review in taken:
        known = people.get(review["lead_id"])
        body = plain.get((review["tenant_id"], review["plain"]))
        place, tenant = places.get(review["touch_id"]), tenants.get(review["tenant_id"])
        if known is None or body is None or place is None or tenant is None:
            continue
        person, lead = known
        business = tenant.settings
        said = {
            "first name": person.first_name,
            "language": person.language,
            "need": lead.need,
            "our business": business.business_name,
            "our agent": business.agent_name,
            "our booking link": business.booking_link,
        }
        found[review["touch_id"]] = Brief(
            channel=review["channel"],
            sequence=place[0],
            step=place[1],
            plain=body.body,
            known={name: value for name, value in said.items() if value},
        )
    return found


async def _keep(tx: Transaction, review: Mapping[str, Any], answer: Draft | NoDraft) -> None:
    """Keep a draft, or that there is none, if the touch still waits for one."""
    touch_id = review["touch_id"]
    match answer:
        case Draft(body):
            (words,) = await put_templates(
                tx,
                review["tenant_id"],
                [(review["channel"], body)],
                person_id=review["person_id"],
            )
            state = await reviews.drafted(tx, touch_id, "written", words)
            if state == "unasked":
                await touches.reword(tx, touch_id, words)
            if state is not None:
                await touches.remark(tx, touch_id, {"at": tx.now.isoformat(), "what": "drafted"})
        case NoDraft(reason, again):
            if again and review["attempts"] < ATTEMPTS:
                return
            if await reviews.drafted(tx, touch_id, "failed", None) is not None:
                told = {"at": tx.now.isoformat(), "what": "not drafted", "reason": reason}
                await touches.remark(tx, touch_id, told)
