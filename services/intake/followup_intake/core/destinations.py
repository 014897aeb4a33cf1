"""Where events may be sent to: addresses of the open Internet, and nowhere inside.

Whoever sets an endpoint's URL chooses what this installation connects to; its own network,
its machines and its cloud's metadata services are nobody else's business (OWASP, Server-Side
Request Forgery Prevention Cheat Sheet, case 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

LONGEST_URL = 2000
_LAST_PORT = 65535

# Special-purpose registries of IANA (RFC 6890 and its successors): written out, since what
# the standard library makes of them differs between versions of Python.
_CLOSED: Sequence[IPv4Network | IPv6Network] = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",  # this host, RFC 1122
        "10.0.0.0/8",  # private use, RFC 1918
        "100.64.0.0/10",  # shared by carriers, RFC 6598; Alibaba's metadata
        "127.0.0.0/8",  # loopback, RFC 1122
        "168.63.129.16/32",  # Azure's platform: no open address, whatever the registry says
        "169.254.0.0/16",  # link local, RFC 3927; metadata of most clouds
        "172.16.0.0/12",  # private use, RFC 1918
        "192.0.0.0/24",  # protocol assignments, RFC 6890; Oracle's metadata
        "192.0.2.0/24",  # documentation, RFC 5737
        "192.88.99.0/24",  # relays of 6to4, RFC 7526
        "192.168.0.0/16",  # private use, RFC 1918
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "198.51.100.0/24",  # documentation, RFC 5737
        "203.0.113.0/24",  # documentation, RFC 5737
        "224.0.0.0/4",  # multicast, RFC 5771
        "240.0.0.0/4",  # reserved and broadcast, RFC 1112, RFC 8190
    )
)
# Of IPv6 only what is handed out, 2000::/3 (RFC 4291), is open, and of that not these.
_UNICAST = ip_network("2000::/3")
_CLOSED_6: Sequence[IPv4Network | IPv6Network] = tuple(
    ip_network(each)
    for each in (
        "2001::/23",  # protocol assignments, RFC 2928: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation, RFC 3849
        "2002::/16",  # 6to4, RFC 3056: any IPv4 address in disguise
        "3fff::/20",  # documentation, RFC 9637
    )
)
_NAT64 = ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a URL is no endpoint, in words for whoever gave it."""

    why: str


def is_open(address: str) -> bool:
    """Whether an IP address is one of the open Internet. What is no address is not.

    The well-known prefix of NAT64 (RFC 6052) counts as the IPv4 address in it; IPv4-mapped
    ones (RFC 4291 section 2.5.5.2) are never open.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    match parsed:
        case IPv4Address():
            return not any(parsed in each for each in _CLOSED)
        case IPv6Address():
            if parsed in _NAT64:
                return is_open(str(IPv4Address(parsed.packed[-4:])))
            return parsed in _UNICAST and not any(parsed in each for each in _CLOSED_6)


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own."""
    try:
        return ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def may_connect(address: str, *, loopback: bool) -> bool:
    """Whether a connection may be made; `loopback` allows this machine besides."""
    return is_open(address) or (loopback and is_loopback(address))


def unusable(url: str, *, loopback: bool) -> Unusable | None:
    """Why this cannot be the URL of an endpoint, or None.

    https alone, without a user's name and a fragment; `loopback` allows http besides, and
    then to this machine. What a name stands for is looked at when it is connected to.
    """
    if len(url) > LONGEST_URL or not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        return Unusable(f"a URL has up to {LONGEST_URL} printable ASCII characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return Unusable("this is no URL")
    if "\\" in url or not host:
        return Unusable("this is no URL")
    if parts.username is not None or parts.password is not None or "#" in url:
        return Unusable("a URL without a user's name and without a fragment is needed")
    if port is not None and not 0 < port <= _LAST_PORT:
        return Unusable("this is no port")
    return _wrong_place(parts.scheme, host, loopback=loopback)


def _wrong_place(scheme: str, host: str, *, loopback: bool) -> Unusable | None:
    here = is_loopback(host) or host == "localhost" or host.endswith(".localhost")
    if scheme != "https" and not (scheme == "http" and loopback and here):
        return Unusable("the URL must begin with https://")
    literal = ":" in host or host.replace(".", "").isdigit()
    if (here and not loopback) or (literal and not may_connect(host, loopback=loopback)):
        return Unusable("this address is not on the open Internet")
    return None
