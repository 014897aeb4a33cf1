"""What an automatic call says, on its way through the vendor's answer URL.

The dispatcher renders it, the vendor carries it in the URL that it asks once somebody (or
something) has answered, replies reads it there and says it. So the answering side needs
neither the dispatcher's records nor a template, and the vendor's signature, which covers
the URL, covers the words.
"""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

VOICEMAIL_SECONDS = 30.0
"""A voicemail that takes longer to speak is not left (R4)."""

_LONGEST = 4000
_LARGEST = 64_000
_WORDS_A_SECOND = 2.5


def spoken_seconds(text: str) -> float:
    """How long a text takes to speak, at 150 words a minute."""
    return len(text.split()) / _WORDS_A_SECOND


@dataclass(frozen=True, slots=True)
class CallScript:
    """`say` is for a person; `voicemail` for a machine, None: hang up on one."""

    say: str
    voicemail: str | None

    def packed(self) -> str:
        """URL-safe text without padding, for the query's `script`."""
        raw = json.dumps([self.say, self.voicemail], ensure_ascii=False, separators=(",", ":"))
        return urlsafe_b64encode(zlib.compress(raw.encode(), 9)).rstrip(b"=").decode()

    @classmethod
    def unpacked(cls, packed: str) -> "CallScript | None":
        """The script in a query, or None when it is none; bounded in size."""
        if len(packed) > _LONGEST or not packed.isascii():
            return None
        try:
            data = urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
            match json.loads(zlib.decompressobj().decompress(data, _LARGEST)):
                case [str(say), str() | None as voicemail]:
                    return cls(say, voicemail)
        except (ValueError, RecursionError, zlib.error):
            return None
        return None
