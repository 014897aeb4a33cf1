"""Every vendor of the suite: its stand-in, and how an account at it is made."""

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import unquote_plus, urlsplit
from uuid import UUID

from mail_vendor import SECRET as MAIL_SECRET
from mail_vendor import SMTP_RELAY, USER, MailStub
from sandbox_vendor import SANDBOX, SandboxStub

from followup_contracts.call_script import CallScript
from followup_dispatcher.providers.mailgun import mailgun
from followup_dispatcher.providers.meta import instagram, whatsapp
from followup_dispatcher.providers.port import Provider
from followup_dispatcher.providers.postmark import postmark
from followup_dispatcher.providers.sandbox import SandboxProvider
from followup_dispatcher.providers.sendgrid import sendgrid
from followup_dispatcher.providers.ses import ses
from followup_dispatcher.providers.smtp import smtp
from followup_dispatcher.providers.telnyx import telnyx_sms
from followup_dispatcher.providers.twilio_account import TwilioAccount
from followup_dispatcher.providers.twilio_sms import TwilioSms
from followup_dispatcher.providers.twilio_voice import TwilioVoice
from followup_dispatcher.providers.vonage import vonage_sms
from followup_dispatcher.providers.webhook import webhook
from followup_pigeon import pigeon
from followup_testkit.vendors import Asked, Dialect, Told, VendorStub, dialects, twilio

ATTEMPT = UUID("0198f0c4-7a10-7b31-9d2e-1f5b6c7d8e90")
PHONES = {"to": "+14155550123", "sender": "+14155550100"}
LETTERS = {"to": "dana@example.com", "sender": "Ray <ray@shop.example>"}
INSIDERS = {"to": "6789012345", "sender": "17841400000000000"}


Line = Literal["http", "smtp", "none"]
"""What stands between us and the vendor; a sandbox has nothing."""


class StandIn(Protocol):
    """A vendor's stand-in: faults go in by `script`, `asked` is what it read whole."""

    @property
    def base_url(self) -> str:
        """Where it listens."""


def _decoded(asked: Asked) -> str:
    return unquote_plus(asked.body.decode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An account: `settings` are given the stand-in's URL, `wrong` are secrets it refuses.

    `too_long` is more than the vendor carries, None where it says so itself; `echoes`
    whether it hands our attempt back; `ref` is its own id of the first message, and `found`
    that id in its record; `carried` reads the words out of a request.
    """

    dialect: Dialect
    make: Callable[..., Provider]
    secrets: Mapping[str, str]
    wrong: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    urls: tuple[str, ...] = ("base_url",)
    addresses: Mapping[str, str]
    too_long: Callable[[], str] | None
    echoes: bool = True
    clocked: bool = True
    ref: str = "ref-1"
    found: str = "ref-1"
    line: Line = "http"
    stub: Callable[[Dialect], Any] = VendorStub
    carried: Callable[[Asked], str] = _decoded

    @property
    def name(self) -> str:
        """How the case is called."""
        return f"{self.dialect.vendor}-{self.dialect.channel}"

    def provider(self, vendor: StandIn, *, wrong: bool = False, **clock: Any) -> Provider:
        """The adapter of an account at a stand-in."""
        if self.line == "none":
            return self.make(vendor)
        settings = {
            **self.settings,
            **{name: _put(name, vendor.base_url) for name in self.urls},
        }
        secrets = self.wrong if wrong else self.secrets
        return self.make(settings, secrets, **(clock if self.clocked else {}))


def _put(name: str, url: str) -> str:
    return url + {"url": "/send", "lookup_url": "/lookup"}.get(name, "")


def _letters(count: int) -> Callable[[], str]:
    return lambda: "a" * count


def _unlike_letters() -> str:
    """A script that no compression makes short."""
    return "".join(chr(0x4E00 + n * 7919 % 9000) for n in range(3000))


def _twilio(kind: type[TwilioSms] | type[TwilioVoice]) -> Callable[..., Provider]:
    return lambda settings, secrets, **clock: kind(TwilioAccount.open(settings, secrets), **clock)


def _script(asked: Asked) -> str:
    packed = dict(part.split("=") for part in urlsplit(asked.form["Url"]).query.split("&"))
    script = CallScript.unpacked(packed["script"])
    return "" if script is None else script.say


def _relay(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Provider:
    where = urlsplit(settings["base_url"])
    line = {"host": where.hostname, "port": where.port, "tls": "none", "username": USER}
    return smtp(line, secrets)


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
        200, {"birds": [kept.ref for name, kept in held.items() if name == asked.query["tag"]]}
    ),
)

CASES = (
    Case(
        dialect=twilio.TWILIO_SMS,
        make=_twilio(TwilioSms),
        secrets={"auth_token": _KEY},
        wrong={"auth_token": _WRONG},
        settings={"account_sid": twilio.ACCOUNT},
        addresses=PHONES,
        too_long=_letters(1601),
    ),
    Case(
        dialect=twilio.TWILIO_VOICE,
        make=_twilio(TwilioVoice),
        secrets={"auth_token": _KEY},
        wrong={"auth_token": _WRONG},
        settings={"account_sid": twilio.ACCOUNT},
        addresses=PHONES,
        too_long=_unlike_letters,
        carried=_script,
    ),
    Case(
        dialect=SMTP_RELAY,
        make=_relay,
        secrets={"password": MAIL_SECRET},
        wrong={"password": _WRONG},
        addresses=LETTERS,
        too_long=None,  # the relay's own `SIZE`
        clocked=False,
        ref=f"<{ATTEMPT}@shop.example>",
        line="smtp",
        stub=MailStub,
    ),
    Case(
        dialect=SANDBOX,
        make=lambda stub: SandboxProvider("sms", stub),
        secrets={},
        wrong={},
        addresses=PHONES,
        too_long=None,
        line="none",
        stub=SandboxStub,
    ),
    Case(
        dialect=dialects.VONAGE,
        make=vonage_sms,
        secrets={"api_key": "abcd1234", "api_secret": _KEY},
        wrong={"api_key": "abcd1234", "api_secret": _WRONG},
        urls=("base_url", "reports_url"),
        addresses=PHONES,
        too_long=_letters(3201),
    ),
    Case(
        dialect=dialects.TELNYX,
        make=telnyx_sms,
        secrets={"api_key": _KEY},
        wrong={"api_key": _WRONG},
        addresses=PHONES,
        too_long=_letters(1531),
    ),
    Case(
        dialect=dialects.SENDGRID,
        make=sendgrid,
        secrets={"api_key": _KEY},
        wrong={"api_key": _WRONG},
        settings={"activity": True},
        addresses=LETTERS,
        too_long=_letters(30 * 1024 * 1024 + 1),
    ),
    Case(
        dialect=dialects.POSTMARK,
        make=postmark,
        secrets={"server_token": _KEY},
        wrong={"server_token": _WRONG},
        addresses=LETTERS,
        too_long=_letters(5 * 1024 * 1024 + 1),
    ),
    Case(
        dialect=dialects.MAILGUN,
        make=mailgun,
        secrets={"api_key": _KEY},
        wrong={"api_key": _WRONG},
        settings={"domain": "mg.example.com"},
        found="<ref-1>",
        addresses=LETTERS,
        too_long=_letters(25 * 1024 * 1024 + 1),
    ),
    Case(
        dialect=dialects.SES,
        make=ses,
        secrets={"access_key_id": _KEY, "secret_access_key": "wJalrXUtnFEMI"},
        wrong={"access_key_id": _WRONG, "secret_access_key": "wJalrXUtnFEMI"},
        settings={"region": "eu-central-1"},
        carried=lambda asked: b64decode(asked.json["Content"]["Raw"]["Data"]).decode(),
        addresses=LETTERS,
        too_long=_letters(30 * 1024 * 1024 + 1),
    ),
    Case(
        dialect=dialects.WHATSAPP,
        make=whatsapp,
        secrets={"access_token": _KEY},
        wrong={"access_token": _WRONG},
        settings={"phone_number_id": "106540352242922"},
        addresses=PHONES,
        too_long=_letters(4097),
        clocked=False,
    ),
    Case(
        dialect=dialects.INSTAGRAM,
        make=instagram,
        secrets={"access_token": _KEY},
        wrong={"access_token": _WRONG},
        settings={"account_id": "17841400000000000"},
        addresses=INSIDERS,
        too_long=_letters(1001),
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
        too_long=_letters(1024 * 1024 + 1),
    ),
    # The example of a provider from another package keeps the same promises.
    Case(
        dialect=PIGEON,
        make=pigeon,
        secrets={"token": _KEY},
        wrong={"token": _WRONG},
        addresses=PHONES,
        too_long=_letters(501),
    ),
)
