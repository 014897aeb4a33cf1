"""Forms of letters: multipart or not, each field in the charset its sender says.

What is attached is not read: its names and sizes are kept, no byte of it.
"""

import codecs
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from python_multipart.exceptions import FormParserError
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser

from followup_replies.bodies import FORM, by_name, form_fields, object_of, whole
from followup_replies.errors import Unfit
from followup_replies.vendor import MAIL_BYTES, Hook

_MOST_FILES = 100
_MOST_FIELDS = 200
_LOSSLESS = "latin-1"
_LONGEST_NAME = 40
"""Characters of a charset's name (RFC 2978, 2.3)."""
_NO_CHARSETS = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)
"""What Python decodes as well, and nobody writes letters in."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A form: its fields, fit to be kept, and what was attached."""

    fields: Mapping[str, str]
    attached: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)
    raw: Mapping[str, bytes] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """What is kept of it."""
        return {**self.fields, "attached": list(self.attached)}

    def octets(self, name: str) -> bytes:
        """A field as it came; empty without one."""
        return self.raw.get(name) or self.fields.get(name, "").encode()

    def json(self, name: str) -> Any:
        """The value of a field that holds JSON; None where it does not."""
        try:
            return orjson.loads(self.fields.get(name, ""))
        except orjson.JSONDecodeError:
            return None


async def posted(hook: Hook) -> Posted:
    """The form in a webhook; raises `Unfit` for what is none."""
    if hook.media_type == FORM:
        return Posted(by_name(form_fields(hook.body)))
    if hook.media_type != "multipart/form-data":
        raise Unfit("")
    return await _parts(hook)


async def _parts(hook: Hook) -> Posted:
    # Octets as they are: which charset a field is in, another field says.
    content_type = f"{hook.headers['content-type']}; charset={_LOSSLESS}"
    parser = MultiPartParser(
        Headers({"content-type": content_type}),
        _once(hook.body),
        max_files=_MOST_FILES,
        max_fields=_MOST_FIELDS,
        max_part_size=MAIL_BYTES,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, FormParserError, KeyError, UnicodeError, ValueError):
        raise Unfit("") from None
    try:
        texts = {n: v for n, v in form.multi_items() if isinstance(v, str)}
        files = [v for _, v in form.multi_items() if not isinstance(v, str)]
        attached = tuple(
            {"name": whole(f.filename or ""), "type": whole(f.content_type or ""), "size": f.size}
            for f in files
        )
    finally:
        await form.close()
    raw = {name: text.encode(_LOSSLESS, "replace") for name, text in texts.items()}
    return Posted(_decoded(raw), attached, raw)


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


def _decoded(raw: Mapping[str, bytes]) -> dict[str, str]:
    """Fields in their charsets: those that `charsets` names, UTF-8 for all others."""
    try:
        charsets = object_of(orjson.loads(raw.get("charsets", b"{}")))
    except orjson.JSONDecodeError:
        charsets = {}
    return {whole(name): whole(text_in(octets, charsets.get(name))) for name, octets in raw.items()}


def text_in(octets: bytes, charset: Any) -> str:
    """Octets as text: by the charset named, else UTF-8, else as Western Europe wrote."""
    for attempt in (_charset(charset), "utf-8"):
        try:
            return octets.decode(attempt)
        except (LookupError, UnicodeError, ValueError):
            continue
    return octets.decode("cp1252", "replace")


def _charset(named: Any) -> str:
    """The charset named, if it is one that text comes in and that is read in linear time."""
    if not isinstance(named, str) or len(named) > _LONGEST_NAME:
        return "utf-8"
    try:
        name = codecs.lookup(named).name
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if name in _NO_CHARSETS else name
