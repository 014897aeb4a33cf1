"""Where Followup is: one address for everything, or one a service."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from followup_client.call import Service


@dataclass(frozen=True, slots=True)
class Addresses:
    """An address a service, as in containers: `http://intake:8001` and so on."""

    intake: str
    scheduler: str
    dispatcher: str
    replies: str

    @classmethod
    def of(cls, one: "str | Addresses") -> "Addresses":
        """One address for all, where everything runs in one process or behind one proxy."""
        return one if isinstance(one, Addresses) else cls(one, one, one, one)

    def __post_init__(self) -> None:
        for address in (self.intake, self.scheduler, self.dispatcher, self.replies):
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"{address!r} is no http or https address")

    def url(self, service: Service, path: str) -> str:
        """The address of a path of a service."""
        base: str = getattr(self, service)
        return base.rstrip("/") + path
