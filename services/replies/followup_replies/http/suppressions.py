"""`/v1/suppressions`: who must not be reached, by keyed hashes: addresses can't be listed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from followup_contracts.channels import CHANNELS, TRAITS, Channel, channels_of
from followup_database import Transaction, committed
from followup_directory import Principal
from followup_people import person_by_address, persons_by_addresses
from followup_replies.addresses import LONGEST, bare, match_key
from followup_replies.http import pages
from followup_replies.stops import Stop, Stops
from followup_runtime.auth import require
from followup_runtime.databases import Databases
from followup_runtime.problems import Problem
from followup_suppression import (
    AddressHasher,
    Kind,
    Listing,
    StopFence,
    SuppressedChannel,
    lift,
    listings,
    page_of_listings,
    suppress,
)

Reader = Annotated[Principal, Depends(require("suppressions:read"))]
Writer = Annotated[Principal, Depends(require("suppressions:write"))]

MOST_AT_ONCE = 1_000
"""Entries of one import; a longer list comes in several."""

_Entry = tuple[Kind, SuppressedChannel, bytes]

Reason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Suppression(BaseModel):
    """An address (E.164 or e-mail) and what of it: one channel, or all."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, Field(min_length=3, max_length=LONGEST)]
    channel: SuppressedChannel = "all"
    reason: Reason = "requested"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.channel != "all" and TRAITS[self.channel].address != self.kind:
            raise ValueError(f"{self.channel} does not reach this kind of address")
        digits = self.address.removeprefix("+")
        plus = self.address.startswith("+")
        if self.kind != "email" and not (
            digits.isascii() and digits.isdigit() and plus == (self.kind == "phone")
        ):
            raise ValueError(
                "a number in E.164 (+ and digits), an e-mail address or an Instagram id is required"
            )
        return self

    @property
    def kind(self) -> Kind:
        """What kind of address it is."""
        if "@" in self.address:
            return "email"
        return "instagram" if self.channel == "instagram" else "phone"

    @property
    def told_as(self) -> Channel:
        """The channel that events about it name."""
        if self.channel == "all":
            return channels_of(self.kind)[0]
        return self.channel


class SuppressionList(BaseModel):
    """A list somebody kept elsewhere; all of it is taken, or nothing."""

    model_config = ConfigDict(extra="forbid")

    items: Annotated[list[Suppression], Field(min_length=1, max_length=MOST_AT_ONCE)]


class Imported(BaseModel):
    """How many entries are new; the others stood already."""

    listed: int


class ListingBody(BaseModel):
    """A standing entry of the list; `hash` is keyed and can't be turned back."""

    kind: Kind
    channel: SuppressedChannel
    hash: str
    reason: str
    via: str
    listed_at: datetime


class ListingPage(BaseModel):
    """Entries in the order of their hashes."""

    items: list[ListingBody]
    next: str | None


class Lifted(BaseModel):
    """Whether an entry stood and was lifted."""

    lifted: bool


class SuppressionRoutes:
    """What the routes need, and what they do."""

    def __init__(
        self, databases: Databases, *, hasher: AddressHasher, stops: Stops, fence: StopFence
    ) -> None:
        self._databases = databases
        self._hasher = hasher
        self._stops = stops
        self._fence = fence

    async def page(self, principal: Principal, cursor: str | None, limit: int) -> ListingPage:
        """A stretch of the list."""
        after = None if cursor is None else _after(cursor)
        async with self._databases.api.transaction(tenant=principal.tenant_id) as tx:
            found = await page_of_listings(tx, principal.tenant_id, after=after, most=limit + 1)
        items = [_body(listing) for listing in found[:limit]]
        more = len(found) > limit
        following = pages.write([items[-1].hash, items[-1].channel]) if more else None
        return ListingPage(items=items, next=following)

    async def put(self, principal: Principal, wanted: Suppression) -> ListingBody:
        """List an address; answered once nothing can go to it any more."""
        tenant_id = principal.tenant_id
        address = bare(wanted.told_as, wanted.address)
        hashed = self._hasher.hash(wanted.kind, address)

        async def work(tx: Transaction) -> ListingBody:
            stop = Stop(
                tenant_id=tenant_id,
                person_id=await person_by_address(
                    tx, tenant_id, wanted.kind, match_key(wanted.told_as, address)
                ),
                channel=wanted.told_as,
                address_hash=hashed,
                via="api",
                reason=wanted.reason,
                listed=wanted.channel,
                consent=False,
            )
            await self._stops.stop(tx, stop)
            return await _listed(tx, principal, hashed, wanted.channel)

        listed = await committed(self._databases.api, work, tenant=tenant_id)
        await self._fence.settle(self._fence.moment())
        return listed

    async def put_all(self, principal: Principal, wanted: SuppressionList) -> Imported:
        """List many addresses; answered once nothing can go to any of them."""
        tenant_id = principal.tenant_id

        async def work(tx: Transaction) -> Imported:
            persons = await persons_by_addresses(tx, tenant_id, [_key(it) for it in wanted.items])
            known = [item for item in wanted.items if _key(item) in persons]
            listed = await self._list_strangers(
                tx, tenant_id, [item for item in wanted.items if _key(item) not in persons]
            )
            # Persons in one order: two imports of the same list do not wait for each other.
            for item in sorted(known, key=lambda item: (persons[_key(item)], item.channel)):
                listed += await self._stops.stop(tx, self._stop(tenant_id, item, persons))
            return Imported(listed=listed)

        imported = await committed(self._databases.api, work, tenant=tenant_id)
        await self._fence.settle(self._fence.moment())
        return imported

    async def _list_strangers(
        self, tx: Transaction, tenant_id: UUID, items: Sequence[Suppression]
    ) -> int:
        """List those nobody is known by, who may become leads one day."""
        by_reason: dict[str, set[_Entry]] = {}
        for item in items:
            by_reason.setdefault(item.reason, set()).add(self._entry(item))
        listed = 0
        for reason in sorted(by_reason):
            entries = sorted(by_reason[reason])
            listed += await suppress(tx, tenant_id, entries, reason=reason, via="api")
        return listed

    def _entry(self, item: Suppression) -> _Entry:
        hashed = self._hasher.hash(item.kind, bare(item.told_as, item.address))
        return item.kind, item.channel, hashed

    def _stop(
        self,
        tenant_id: UUID,
        item: Suppression,
        persons: Mapping[tuple[Kind, str], UUID],
    ) -> Stop:
        return Stop(
            tenant_id=tenant_id,
            person_id=persons.get(_key(item)),
            channel=item.told_as,
            address_hash=self._entry(item)[2],
            via="api",
            reason=item.reason,
            listed=item.channel,
            consent=False,
        )

    async def lift(self, principal: Principal, wanted: Suppression) -> Lifted:
        """Lift exactly this entry; who lifts one of another's own word answers for it."""
        hashed = self._hasher.hash(wanted.kind, bare(wanted.told_as, wanted.address))
        async with self._databases.api.transaction(tenant=principal.tenant_id) as tx:
            entry = (wanted.kind, wanted.channel, hashed)
            lifted = await lift(tx, principal.tenant_id, [entry], via=f"api:{wanted.reason}")
        return Lifted(lifted=lifted > 0)


def routes(service: SuppressionRoutes) -> APIRouter:
    """The resource's routes."""
    router = APIRouter(tags=["suppressions"])

    @router.get("/v1/suppressions")
    async def page(
        principal: Reader,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> ListingPage:
        """Who must not be reached."""
        return await service.page(principal, cursor, limit)

    @router.put("/v1/suppressions")
    async def put(principal: Writer, body: Suppression) -> ListingBody:
        """List an address. Once this is answered, nothing goes out to it."""
        return await service.put(principal, body)

    @router.post("/v1/suppressions/import")
    async def put_all(principal: Writer, body: SuppressionList) -> Imported:
        """List up to 1,000 addresses. Once this is answered, nothing goes out to them."""
        return await service.put_all(principal, body)

    @router.delete("/v1/suppressions")
    async def remove(principal: Writer, body: Suppression) -> Lifted:
        """Lift an entry. Consent that was withdrawn stays withdrawn."""
        return await service.lift(principal, body)

    return router


def _key(item: Suppression) -> tuple[Kind, str]:
    """What a person with this address is found by."""
    return item.kind, match_key(item.told_as, bare(item.told_as, item.address))


async def _listed(
    tx: Transaction, principal: Principal, hashed: bytes, channel: SuppressedChannel
) -> ListingBody:
    found = await listings(tx, principal.tenant_id, [hashed])
    return next(_body(listing) for listing in found if listing.channel == channel)


def _body(listing: Listing) -> ListingBody:
    return ListingBody(
        kind=listing.kind,
        channel=listing.channel,
        hash=listing.hash.hex(),
        reason=listing.reason,
        via=listing.via,
        listed_at=listing.listed_at,
    )


def _after(cursor: str) -> Listing:
    """A listing to go on behind: only hash and channel matter."""
    try:
        hashed, channel = pages.read(cursor)
        return Listing("phone", _channel(channel), bytes.fromhex(hashed), "", "", datetime.min)  # noqa: DTZ901 - never read
    except (ValueError, TypeError, StopIteration):
        raise Problem(422, detail="this cursor was not given by us", pointer="?cursor") from None


def _channel(word: str) -> SuppressedChannel:
    if word == "all":
        return "all"
    return next(channel for channel in CHANNELS if channel == word)
