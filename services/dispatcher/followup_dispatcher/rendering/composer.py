"""Composing a touch: its template, what is known of the person, and what the law adds."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from followup_contracts.commands import SendTouch
from followup_directory import Tenant
from followup_dispatcher.providers.port import Content
from followup_dispatcher.rendering.email_parts import unsubscribe_headers, with_footer
from followup_dispatcher.rendering.errors import Unrenderable
from followup_dispatcher.rendering.renderer import Renderer
from followup_dispatcher.rendering.variables import variables
from followup_people import ContactPoint, LeadView, PersonView
from followup_suppression import AddressHasher
from followup_suppression.tokens import LinkSigner

__all__ = ["Composer", "Unrenderable"]


class Composer:
    """Makes content. `public_url` is where links lead, unless a tenant has its own."""

    def __init__(
        self,
        *,
        signer: LinkSigner,
        hasher: AddressHasher,
        public_url: str,
        renderer: Renderer | None = None,
    ) -> None:
        self._signer = signer
        self._hasher = hasher
        self._public_url = public_url
        self._renderer = renderer or Renderer()

    def compose(
        self,
        body: Mapping[str, Any],
        *,
        command: SendTouch,
        person: PersonView,
        lead: LeadView,
        tenant: Tenant,
        recipient: ContactPoint,
    ) -> Content | Unrenderable:
        """The touch as it will be read; e-mail always with a way out and its headers."""
        url = self._unsubscribe_url(command, tenant, recipient)
        content = self._renderer.render(
            body,
            variables(
                person=person,
                lead=lead,
                business=tenant.settings,
                links={"unsubscribe": url},
                step=command.step,
                sequence=command.sequence,
            ),
            channel=command.channel,
            hash=command.template,
        )
        if isinstance(content, Unrenderable) or command.channel != "email":
            return content
        signed = with_footer(
            content,
            business=tenant.settings.business_name or tenant.name,
            address=tenant.settings.postal_address,
            url=url,
        )
        return replace(signed, headers=unsubscribe_headers(url))

    def _unsubscribe_url(
        self, command: SendTouch, tenant: Tenant, recipient: ContactPoint
    ) -> str | None:
        """A link for this person, this touch and this address; None where nobody answers."""
        base = (tenant.settings.public_url or self._public_url).rstrip("/")
        if not base:
            return None
        token = self._signer.sign(
            "unsubscribe",
            tenant_id=tenant.id,
            touch_id=command.touch_id,
            person_id=command.person_id,
            address_hash=self._hasher.hash(recipient.kind, recipient.address),
        )
        return f"{base}/u/{token}"
