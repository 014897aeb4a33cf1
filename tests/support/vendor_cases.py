"""Every vendor of the suite: its stand-in, and how an account at it is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from followup_dispatcher.providers.mailgun import mailgun
from followup_dispatcher.providers.meta import instagram, whatsapp
from followup_dispatcher.providers.port import Provider
from followup_dispatcher.providers.postmark import postmark
from followup_dispatcher.providers.sendgrid import sendgrid
from followup_dispatcher.providers.ses import ses
from followup_dispatcher.providers.telnyx import telnyx_sms
from followup_dispatcher.providers.vonage import vonage_sms
from followup_dispatcher.providers.webhook import webhook
from followup_pigeon import pigeon
from followup_testkit.vendors import Dialect, Told, dialects

PHONES = {"to": "+14155550123", "sender": "+14155550100"}
LETTERS = {"to": "dana@example.com", "sender": "Ray <ray@shop.example>"}
INSIDERS = {"to": "6789012345", "sender": "17841400000000000"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An account: `settings` are given the stand-in's URL, `wrong` are secrets it refuses.

    `longest` is how many characters of text are too many; `echoes` whether the vendor
    hands our attempt back.
    """

    dialect: Dialect
    make: Callable[..., Provider]
    secrets: Mapping[str, str]
    wrong: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    urls: tuple[str, ...] = ("base_url",)
    addresses: Mapping[str, str]
    longest: int
    echoes: bool = True
    clocked: bool = True

    @property
    def name(self) -> str:
        """How the case is called."""
        return f"{self.dialect.vendor}-{self.dialect.channel}"

    def provider(self, url: str, *, wrong: bool = False, **clock: Any) -> Provider:
        """The adapter of an account at a stand-in."""
        settings = {**self.settings, **{name: _put(name, url) for name in self.urls}}
        secrets = self.wrong if wrong else self.secrets
        return self.make(settings, secrets, **(clock if self.clocked else {}))


def _put(name: str, url: str) -> str:
    return url + {"url": "/send", "lookup_url": "/lookup"}.get(name, "")


def _receiver(settings: Mapping[str, Any], secrets: Mapping[str, str], **clock: Any) -> Provider:
    return webhook("sms", settings, secrets, **clock)


_KEY, _WRONG = dialects.SECRET, "n0t-the-secret-of-it"

PIGEON = Dialect(
    vendor="pigeon",
    channel="sms",
    takes=lambda asked: (asked.method, asked.path) == ("POST", "/coo"),
    proven=lambda asked: asked.headers["authorization"] == f"Bearer {_KEY}",
    attempt=lambda asked: asked.json["tag"],
    took=lambda _asked, ref: Told(201, {"bird": ref}),
    refusals={
        "refused": Told(400, {"error": "no_words"}),
        "opted_out": Told(400, {"error": "no_such_number"}),
        "crowded": Told(429, {"error": "too_fast"}),
        "broken": Told(403, {"error": "bad_sender"}),
    },
    unproven=Told(401, {"error": "bad_token"}),
    record=lambda asked, held: Told(
        200, {"birds": [ref for name, ref in held.items() if name == asked.query["tag"]]}
    ),
)

CASES = (
    Case(
        dialect=dialects.VONAGE,
        make=vonage_sms,
        secrets={"api_key": "abcd1234", "api_secret": _KEY},
        wrong={"api_key": "abcd1234", "api_secret": _WRONG},
        urls=("base_url", "reports_url"),
        addresses=PHONES,
        longest=3201,
    ),
    Case(
        dialect=dialects.TELNYX,
        make=telnyx_sms,
        secrets={"api_key": _KEY},
        wrong={"api_key": _WRONG},
        addresses=PHONES,
        longest=1531,
    ),
    Case(
        dialect=dialects.SENDGRID,
        make=sendgrid,
        secrets={"api_key": _KEY},
        wrong={"api_key": _WRONG},
        settings={"activity": True},
        addresses=LETTERS,
        longest=30 * 1024 * 1024 + 1,
    ),
    Case(
        dialect=dialects.POSTMARK,
        make=postmark,
        secrets={"server_token": _KEY},
        wrong={"server_token": _WRONG},
        addresses=LETTERS,
        longest=5 * 1024 * 1024 + 1,
    ),
    Case(
        dialect=dialects.MAILGUN,
        make=mailgun,
        secrets={"api_key": _KEY},
        wrong={"api_key": _WRONG},
        settings={"domain": "mg.example.com"},
        addresses=LETTERS,
        longest=25 * 1024 * 1024 + 1,
    ),
    Case(
        dialect=dialects.SES,
        make=ses,
        secrets={"access_key_id": _KEY, "secret_access_key": "wJalrXUtnFEMI"},
        wrong={"access_key_id": _WRONG, "secret_access_key": "wJalrXUtnFEMI"},
        settings={"region": "eu-central-1"},
        addresses=LETTERS,
        longest=30 * 1024 * 1024 + 1,
    ),
    Case(
        dialect=dialects.WHATSAPP,
        make=whatsapp,
        secrets={"access_token": _KEY},
        wrong={"access_token": _WRONG},
        settings={"phone_number_id": "106540352242922"},
        addresses=PHONES,
        longest=4097,
        clocked=False,
    ),
    Case(
        dialect=dialects.INSTAGRAM,
        make=instagram,
        secrets={"access_token": _KEY},
        wrong={"access_token": _WRONG},
        settings={"account_id": "17841400000000000"},
        addresses=INSIDERS,
        longest=1001,
        echoes=False,
        clocked=False,
    ),
    Case(
        dialect=dialects.WEBHOOK,
        make=_receiver,
        secrets={"signing_secret": dialects.SIGNING_SECRET},
        wrong={"signing_secret": "whsec_" + "QUJD" * 8},
        urls=("url", "lookup_url"),
        addresses=PHONES,
        longest=1024 * 1024 + 1,
    ),
    # The example of a provider from another package keeps the same promises.
    Case(
        dialect=PIGEON,
        make=pigeon,
        secrets={"token": _KEY},
        wrong={"token": _WRONG},
        addresses=PHONES,
        longest=501,
    ),
)
