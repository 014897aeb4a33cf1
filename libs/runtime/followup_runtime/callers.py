"""Where a request comes from, as proofs of consent and limits by address name it."""

from ipaddress import IPv6Address, ip_address

from starlette.requests import Request


def caller_address(request: Request) -> str | None:
    """The address a request comes from; None where there is none that can be read.

    It is the peer's, whatever headers say; behind a proxy of `FOLLOWUP_TRUSTED_PROXIES` the
    last address in `X-Forwarded-For` that is no such proxy's. What a caller wrote there
    itself stands before it.
    """
    if request.client is None:
        return None
    try:
        # An IPv6 address may name an interface.
        found = ip_address(request.client.host.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)
