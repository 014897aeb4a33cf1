"""A tenant's settings, as they stand in `directory.tenants.settings`."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from followup_contracts.channels import Channel
from followup_directory.lead_rules import AttributeRule, RoutingRule, Word
from followup_policy.house import HouseDocument
from followup_policy.zonenames import MaybeZoneName


def _listed(value: Any) -> Any:
    """A list as the command line has it, `a,b`."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


MailDomain = Annotated[
    str,
    Field(
        max_length=189,  # with 65 characters before it an address has 254 (RFC 5321, 4.5.3.1.3)
        pattern=r"^$|^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$",
    ),
]
"""A host name in small letters, internationalised ones in Punycode; "" is none."""


class TenantSettings(BaseModel):
    """Who the tenant is to its leads, and the defaults for what a lead does not say.

    `zone` is the IANA zone its people work in ("" is UTC);
    `default_country` (ISO 3166-1 alpha-2) reads national phone numbers;
    `audience` is that of leads that name none. In `sandbox` nothing leaves the house,
    whatever accounts there are. `public_url` overrides the installation's
    for links. `resend_unknown`: channels on which a touch whose outcome nobody can find
    out is sent again, at the risk of sending it twice; on others it waits for a person.
    `plain_texts`: texts are written in the GSM alphabet where nothing is lost by
    it. `click_tracking`: links are counted in e-mails, in everything, or not. In the sandbox
    `test_recipients` (addresses) are reached all the same; in a `dry_run` everything is decided
    as it would be and no provider is called. `rules` are the hours and caps the tenant keeps
    beside the law.
    `retention_days`: people silent for so long are erased, and what is older than that of
    others' messages and raw reports is emptied; None keeps them.
    `reply_domain`: a domain whose mail comes to us; letters take their answers, and a mail
    program's unsubscribing, at signed addresses of it. Without one they go to the sender.
    `routing` says which sequence a lead enters, `attributes` what its custom attributes may
    be, with `strict_attributes` no others.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    business_name: str = ""
    agent_name: str = ""
    postal_address: str = ""
    booking_link: str = ""
    callback_number: str = ""
    public_url: str = ""
    reply_domain: MailDomain = ""
    zone: MaybeZoneName = ""
    default_country: str = "US"
    audience: Literal["b2b", "b2c"] = "b2c"
    sandbox: bool = True
    plain_texts: bool = False
    click_tracking: Literal["off", "email", "all"] = "off"
    test_recipients: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    dry_run: bool = False
    resend_unknown: frozenset[Channel] = frozenset()
    rules: HouseDocument = HouseDocument()
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    routing: Annotated[tuple[RoutingRule, ...], Field(max_length=100)] = ()
    attributes: Annotated[dict[Word, AttributeRule], Field(max_length=100)] = Field(
        default_factory=dict
    )
    strict_attributes: bool = False

    @classmethod
    def read(cls, stored: dict[str, Any]) -> "TenantSettings":
        """Settings from a row; a value that does not fit falls back to its default.

        Rows may be older than the code. For `sandbox` the default is the safe side, and where
        a tenant's own rules cannot be read nothing leaves the house.
        """
        try:
            return cls.model_validate(stored)
        except ValidationError as error:
            wrong = {problem["loc"][0] for problem in error.errors()}
            kept = {k: v for k, v in stored.items() if k not in wrong}
            if "rules" in wrong:
                kept["sandbox"], kept["test_recipients"] = True, ()
            return cls.model_validate(kept)
