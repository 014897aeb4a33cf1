"""Composing a touch: its template, what is known of the person, and what the law adds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from followup_contracts.channels import TRAITS
from followup_contracts.commands import SendTouch
from followup_directory import Tenant
from followup_dispatcher.providers.port import Content
from followup_dispatcher.rendering.deadlines import Instant, overdue
from followup_dispatcher.rendering.email_parts import (
    letter_headers,
    unsubscribe_headers,
    with_footer,
)
from followup_dispatcher.rendering.errors import Overdue, Unrenderable
from followup_dispatcher.rendering.links import counted
from followup_dispatcher.rendering.markup import inlined, of_text
from followup_dispatcher.rendering.renderer import Renderer
from followup_dispatcher.rendering.variables import variables
from followup_people import ContactPoint, LeadView, PersonView
from followup_policy.plaintext import to_gsm
from followup_suppression import AddressHasher
from followup_suppression.clicks import Click, ClickSigner
from followup_suppression.tokens import LinkKind, LinkSigner

__all__ = ["Composer", "Instant", "Occasion", "Overdue", "Unrenderable"]


NO_ADDRESS = Unrenderable(
    "postal_address",
    "the tenant has no postal address; e-mail needs one (15 U.S.C. 7704(a)(5))",
)


@dataclass(frozen=True, slots=True)
class Occasion:
    """Whom a touch is for, and what went before it.

    `thread`: the `Message-ID`s of the letters it follows, oldest first. `real`: it is meant
    for a provider, and must carry what the law asks of it.
    """

    command: SendTouch
    person: PersonView
    lead: LeadView
    tenant: Tenant
    recipient: ContactPoint
    at: Instant
    thread: tuple[str, ...] = ()
    real: bool = False


class Composer:
    """Makes content. `public_url` is where links lead, unless a tenant has its own."""

    def __init__(
        self,
        *,
        signer: LinkSigner,
        clicks: ClickSigner,
        hasher: AddressHasher,
        public_url: str,
        renderer: Renderer | None = None,
    ) -> None:
        self._signer = signer
        self._clicks = clicks
        self._hasher = hasher
        self._public_url = public_url
        self._renderer = renderer or Renderer()

    def compose(
        self, body: Mapping[str, Any], occasion: Occasion
    ) -> Content | Unrenderable | Overdue:
        """The touch as it will be read; e-mail always with a way out and its headers."""
        command, tenant = occasion.command, occasion.tenant
        url = self._signed("u", "unsubscribe", occasion)
        known = variables(
            person=occasion.person,
            lead=occasion.lead,
            business=tenant.settings,
            links={"unsubscribe": url, "confirm": self._signed("c", "confirm", occasion)},
            step=command.step,
            sequence=command.sequence,
        )
        content = self._renderer.render(body, known, channel=command.channel, hash=command.template)
        if isinstance(content, Unrenderable):
            return content
        if (late := overdue(body, content, known, occasion.at)) is not None:
            return late
        if command.channel == "email":
            return self._letter(content, occasion, url)
        if TRAITS[command.channel].segmented and tenant.settings.plain_texts:
            content = replace(content, text=to_gsm(content.text))
        return self._counted(content, occasion, wanted=("all",))

    def _letter(
        self, content: Content, occasion: Occasion, url: str | None
    ) -> Content | Unrenderable:
        """Text and HTML alike, with sender, address, a way out, and the headers of a letter."""
        settings = occasion.tenant.settings
        owed = occasion.real and not occasion.command.transactional
        if owed and not settings.postal_address.strip():
            return NO_ADDRESS
        markup = inlined(content.html) if content.html else of_text(content.text)
        signed = with_footer(
            replace(content, html=markup),
            business=settings.business_name or occasion.tenant.name,
            address=settings.postal_address,
            url=url,
        )
        counted = self._counted(signed, occasion, wanted=("email", "all"))
        headers = unsubscribe_headers(url) | letter_headers(
            occasion.thread, by_hand=occasion.command.answer
        )
        return replace(counted, headers=headers)

    def _counted(self, content: Content, occasion: Occasion, *, wanted: tuple[str, ...]) -> Content:
        """With links that count clicks, where the tenant wants that on this channel."""
        base = self._base(occasion.tenant)
        if not base or occasion.tenant.settings.click_tracking not in wanted:
            return content
        command = occasion.command

        def link(target: str) -> str:
            click = Click(occasion.tenant.id, command.touch_id, command.person_id, target)
            return f"{base}/l/{self._clicks.sign(click)}"

        return counted(content, link, spare=f"{base}/")

    def _base(self, tenant: Tenant) -> str:
        return (tenant.settings.public_url or self._public_url).rstrip("/")

    def _signed(self, path: str, kind: LinkKind, occasion: Occasion) -> str | None:
        """A link for this person, this touch and this address; None where nobody answers."""
        base, recipient = self._base(occasion.tenant), occasion.recipient
        if not base:
            return None
        token = self._signer.sign(
            kind,
            tenant_id=occasion.tenant.id,
            touch_id=occasion.command.touch_id,
            person_id=occasion.command.person_id,
            address_hash=self._hasher.hash(recipient.kind, recipient.address),
        )
        return f"{base}/{path}/{token}"
