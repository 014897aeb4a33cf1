"""Drafting: the touch as it will go out, by which account and from which sender."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from followup_contracts.channels import TRAITS
from followup_contracts.commands import SendTouch
from followup_contracts.envelope import Message
from followup_contracts.payload import Channel, Payload
from followup_database import Transaction, new_id
from followup_directory import Account, Sender, Written, templates
from followup_dispatcher.accounts import Accounts, NoRoute, Route
from followup_dispatcher.answers import command_of, failed, publish
from followup_dispatcher.core.answering import within_window
from followup_dispatcher.core.limits import USUAL, Limit, Pace, rate_of_kind
from followup_dispatcher.core.patience import spread
from followup_dispatcher.core.pool import pick
from followup_dispatcher.core.preference import has_another, in_order, last_sender
from followup_dispatcher.core.validity import valid_for
from followup_dispatcher.core.verdict import Defer, Skip
from followup_dispatcher.picture import Picture, leaves_the_house, of_nobody
from followup_dispatcher.providers.mail_message import message_id
from followup_dispatcher.providers.port import Content, Provider
from followup_dispatcher.rendering.composer import (
    Composer,
    Instant,
    Occasion,
    Overdue,
    Unrenderable,
)
from followup_dispatcher.rendering.email_parts import returning_headers
from followup_people import ContactPoint
from followup_policy.caps import enrollment_of
from followup_policy.check import told_allowed
from followup_policy.segments import segments_of
from followup_policy.zones import Whereabouts
from followup_suppression.replying import ReplyAddresses
from followup_suppression.returning import ReturnTags

KEPT_TEMPLATES = 10_000


@dataclass(frozen=True, slots=True)
class Draft:
    """A touch that may go out, with everything the call needs."""

    message: Message
    command: SendTouch
    person_id: UUID
    attempt_id: UUID
    account: Account
    provider: Provider
    to: str
    sender: str
    content: Content
    segments: int
    callback_url: str | None
    valid_for: timedelta | None
    limits: tuple[Limit, ...]
    explained: str
    """Why it may go, in one sentence."""
    zones: str
    single: bool = False
    """Its account is let one call and no more."""
    rehearsed: bool = False
    """Its tenant is in a dry run: no provider is called."""
    elsewhere: bool = False
    """Another account could take it, were the day of this one spent."""

    @property
    def tenant_id(self) -> UUID:
        """Whose touch it is."""
        return self.message.tenant_id

    @property
    def traceparent(self) -> str | None:
        """The trace it belongs to."""
        return self.message.traceparent

    def trace(self, *, starts_in: float) -> list[dict[str, Any]]:
        """Why it went out: kept with the attempt."""
        return [
            {
                "what": "checked",
                "result": "allowed",
                "told": self.explained,
                "zones": self.zones,
            },
            {"what": "account", "name": self.account.name, "provider": self.account.provider},
            *([{"what": "dry_run", "result": "nothing is sent"}] if self.rehearsed else []),
            {"what": "slot", "starts_in_seconds": round(starts_in, 3), "segments": self.segments},
        ]


@dataclass(frozen=True, slots=True)
class Unsendable:
    """It can never be sent as it is: its template is gone or cannot be rendered."""

    code: str
    reason: str

    def answer(self, message: Message, now: datetime) -> Message:
        """The event that ends the touch."""
        payload: Payload = failed(message, code=self.code, reason=self.reason, now=now)
        return publish(message, payload, now)


@dataclass(frozen=True, slots=True)
class _Offered:
    """The accounts a touch may go by, those its person knows, and what they have left today."""

    accounts: Sequence[Account]
    known: frozenset[UUID]
    left: Mapping[UUID, int]

    def in_order(self, cost: int = 1) -> list[Account]:
        return in_order(self.accounts, known=self.known, left=self.left, cost=cost)

    def beside(self, chosen: Account, cost: int) -> bool:
        return has_another(chosen, self.accounts, known=self.known, left=self.left, cost=cost)


@dataclass(frozen=True, slots=True)
class _Means:
    """Where a touch goes, its words as they are kept, and the way it has at the moment."""

    address: ContactPoint
    body: Mapping[str, Any]
    written: Written | None
    offered: _Offered
    route: Route


@dataclass(slots=True)
class Drafter:
    """Renders touches and finds their account. `public_url` is where vendors call back."""

    accounts: Accounts
    composer: Composer
    public_url: str
    tags: ReturnTags
    addresses: ReplyAddresses
    rehearsal: Mapping[Channel, Provider] = field(default_factory=dict)
    """What stands in for every provider of a tenant in a dry run."""
    _templates: dict[tuple[UUID, str], Mapping[str, Any]] = field(default_factory=dict)

    async def draft(
        self,
        tx: Transaction,
        message: Message,
        picture: Picture,
        *,
        where: Whereabouts,
        body: Mapping[str, Any] | None = None,
    ) -> Draft | Defer | Skip | Unsendable:
        """The touch ready to go out, or why it is not; `body` in place of its template's."""
        command, tenant = command_of(message), picture.tenants[message.tenant_id]
        means = await self._means(tx, message, picture, body)
        if not isinstance(means, _Means):
            return means
        address, offered = means.address, means.offered
        at = Instant(tx.now, where)
        content = self._content(means.body, message, picture, address=address, at=at)
        if not isinstance(content, Content):
            return content
        segments = segments_of(content.text) if TRAITS[command.channel].segmented else 1
        route = self._for_all(means.route, offered, command, segments)
        senders = picture.senders.get(route.account.id, ())
        sender = _sender(route.account, senders, picture, command, means.written)
        if sender is None:
            # The channel waits; a person has to give the account a sender.
            reason = f"account {route.account.name} has no sender"
            return Defer("rate", "account", reason, tx.now + timedelta(minutes=5))
        attempt_id = new_id()
        return Draft(
            message=message,
            command=command,
            person_id=picture.person_id(command),
            attempt_id=attempt_id,
            account=route.account,
            provider=self.rehearsal[command.channel] if tenant.settings.dry_run else route.provider,
            to=address.address,
            sender=sender[0],
            content=self._tagged(content, command, attempt_id, tenant.settings.reply_domain),
            segments=segments,
            callback_url=self._callback(
                route.account, command, attempt_id, picture.person_id(command)
            ),
            valid_for=valid_for(command, where=where, now=tx.now, house=picture.houses[tenant.id]),
            limits=_limits(route, sender[1], now=tx.now),
            explained=told_allowed(command.channel, where, tx.now),
            zones=where.explained,
            single=route.single,
            rehearsed=tenant.settings.dry_run,
            elsewhere=offered.beside(route.account, segments),
        )

    async def _means(
        self,
        tx: Transaction,
        message: Message,
        picture: Picture,
        body: Mapping[str, Any] | None,
    ) -> _Means | Defer | Unsendable:
        """Where to, what and by whom, or what of it there is not."""
        command, tenant = command_of(message), picture.tenants[message.tenant_id]
        address = picture.address(command)
        if address is None:
            return Unsendable("no_contact_point", f"no usable address for {command.channel}")
        body = body or await self._template(tx, message.tenant_id, command.template)
        if body is None:
            return Unsendable("template", f"no template {command.template[:12]}")
        written = Written.of(body) if command.answer else None
        usable = _known(picture.accounts_for(tenant, address.address), command, written)
        offered = self._offered(usable, picture, command)
        route = self.accounts.route(offered.in_order(), command.channel)
        if isinstance(route, NoRoute):
            pause = timedelta(seconds=route.in_seconds) + spread(command.touch_id)
            # A rate's deferral: the touch keeps its place in its tenant's window. Did it
            # not, a whole backlog would come by, each to be told the same.
            return Defer("rate", "account", route.reason, tx.now + pause)
        return _Means(address, body, written, offered, route)

    def _offered(
        self, accounts: Sequence[Account], picture: Picture, command: SendTouch
    ) -> _Offered:
        """The channel's accounts for a touch; what its person knows counts where there are two."""
        usable = [a for a in accounts if a.channel == command.channel and a.state == "active"]
        sender = None
        if len(usable) > 1:
            sender = last_sender(command.channel, picture.contacts(command))
        known = {a.id for a in usable if sender in _addresses(a, picture)} if sender else set()
        return _Offered(usable, frozenset(known), picture.left)

    def _for_all(self, route: Route, offered: _Offered, command: SendTouch, segments: int) -> Route:
        """The route, or another where this one has too little left today for all segments."""
        if offered.left.get(route.account.id, segments) >= segments:
            return route
        other = self.accounts.route(offered.in_order(segments), command.channel)
        return other if isinstance(other, Route) else route

    def _tagged(
        self, content: Content, command: SendTouch, attempt_id: UUID, domain: str
    ) -> Content:
        """A letter with marks of its own, by which bounces, answers and departures name it."""
        if command.channel != "email":
            return content
        headers = content.headers
        if domain:
            headers = returning_headers(
                headers,
                answers=self.addresses.write("reply", attempt_id, domain),
                departures=self.addresses.write("unsubscribe", attempt_id, domain),
            )
        return replace(content, headers=headers, return_tag=self.tags.write(attempt_id))

    def _content(
        self,
        body: Mapping[str, Any],
        message: Message,
        picture: Picture,
        *,
        address: ContactPoint,
        at: Instant,
    ) -> Content | Skip | Unsendable:
        command = command_of(message)
        person, lead = picture.people[command.lead_id]
        tenant = picture.tenants[message.tenant_id]
        content = self.composer.compose(
            body,
            Occasion(
                command=command,
                person=person,
                lead=lead,
                tenant=tenant,
                recipient=address,
                at=at,
                thread=_thread(command, picture, body),
                real=leaves_the_house(tenant, address.address),
            ),
        )
        match content:
            case Unrenderable(code=code, reason=reason):
                return Unsendable(code, reason)
            case Overdue(reason=reason):
                return Skip("R10", reason)
        return within_window(
            content,
            command.channel,
            heard=address.heard.get(command.channel),
            consent=person.consent.get(command.channel, "unknown"),
            now=at.now,
        )

    async def _template(
        self, tx: Transaction, tenant_id: UUID, hashed: str
    ) -> Mapping[str, Any] | None:
        key = (tenant_id, hashed)
        if key not in self._templates:
            found = await templates(tx, [key])
            if key not in found:
                return None
            if len(self._templates) >= KEPT_TEMPLATES:
                self._templates.clear()
            self._templates[key] = found[key].body
        return self._templates[key]

    def _callback(
        self, account: Account, command: SendTouch, attempt_id: UUID, person_id: UUID
    ) -> str | None:
        """Where the vendor reports to; None where we have no address it could reach."""
        base = self.public_url.rstrip("/")
        if not base:
            return None
        # Every id that a report needs: it may come before anybody knows that this went out.
        query = (
            f"touch={command.touch_id}&attempt={attempt_id}&enrollment={command.enrollment_id}"
            f"&lead={command.lead_id}&person={person_id}"
        )
        return f"{base}/hooks/{account.provider}/{account.id}/status?{query}"


def _known(
    accounts: Sequence[Account], command: SendTouch, written: Written | None
) -> Sequence[Account]:
    """The account that the person knows us by, while it is in use; else whatever there is.

    Nobody unknown hears from another than they wrote to.
    """
    if written is None or written.account_id is None:
        return accounts
    own = [a for a in accounts if a.id == written.account_id and a.state == "active"]
    return own if own or of_nobody(command) else accounts


def _thread(command: SendTouch, picture: Picture, body: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the letters that went before this one, oldest first.

    Those of the same run; for what somebody wrote, those it answers, else all we sent.
    """
    if command.channel != "email":
        return ()
    if command.answer and (answered := Written.of(body).thread):
        return answered
    run = None if command.answer else enrollment_of(command.contact_round)
    return tuple(
        message_id(UUID(each.attempt), each.sender)
        for each in sorted(picture.contacts(command), key=lambda each: each.at)
        if each.attempt and each.sender and run in (None, enrollment_of(each.round))
    )


def _sender(
    account: Account,
    senders: Sequence[Sender],
    picture: Picture,
    command: SendTouch,
    written: Written | None,
) -> tuple[str, Sender | None] | None:
    """Who the account sends as to this person: always the same while it is there.

    A sender of its own goes before the `from` in the account's settings.
    """
    active = _active(senders)
    if written is not None and written.sender in active:
        return written.sender, active[written.sender]
    if written is not None and of_nobody(command):
        default = _default(account)
        same = default is not None and _digits(default) == _digits(written.sender)
        return (default, None) if default is not None and same else None
    address = pick(
        list(active),
        person_id=picture.person_id(command),
        channel=command.channel,
        history=picture.contacts(command) if len(active) > 1 else (),
    )
    if address is not None:
        return address, active[address]
    default = _default(account)
    return (default, None) if default else None


def _digits(number: str | None) -> str:
    return (number or "").removeprefix("+")


def _addresses(account: Account, picture: Picture) -> set[str]:
    """What an account may send as."""
    active = set(_active(picture.senders.get(account.id, ())))
    default = _default(account)
    return active or ({default} if default else set())


def _active(senders: Sequence[Sender]) -> dict[str, Sender]:
    return {sender.address: sender for sender in senders if sender.state == "active"}


def _default(account: Account) -> str | None:
    default = account.settings.get("from") or account.settings.get("messaging_service_sid")
    return str(default) if default else None


def _limits(route: Route, sender: Sender | None, *, now: datetime) -> tuple[Limit, ...]:
    account = route.account
    usual = USUAL.get((account.provider, account.channel))
    limits = route.limits.of(account.id, account.tenant_id, now=now, usual=usual)
    if sender is None:
        return limits
    rate = sender.rate_per_second
    if rate is None and TRAITS[account.channel].segmented:
        rate = rate_of_kind(sender.address)
    return limits if rate is None else (*limits, Pace(f"sender:{sender.id}", rate))
