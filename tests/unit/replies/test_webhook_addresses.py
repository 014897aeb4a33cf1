import pytest
from starlette.requests import Request

from followup_database import Database, Role
from followup_directory import Vault
from followup_directory.vault import new_secret_key
from followup_replies.figures import Figures
from followup_replies.hooks import Door
from followup_replies.vendor import Vendors
from followup_runtime.metrics import Metrics

PATH = "/hooks/twilio/017f22e2-79b0-7cc3-98c4-dc0c0c07398f/inbound"


def asked(root: str) -> Request:
    """A webhook as it arrives under a prefix that another application serves us under."""
    return Request(
        {
            "type": "http",
            "scheme": "http",
            "method": "POST",
            "server": ("10.0.0.7", 8000),
            "headers": [],
            "root_path": root,
            "path": root + PATH,
            "raw_path": (root + PATH).encode(),
            "query_string": b"a=%20b",
        }
    )


@pytest.mark.parametrize(
    ("public_url", "root", "address"),
    [
        (None, "", f"http://10.0.0.7:8000{PATH}?a=%20b"),
        (None, "/followup", f"http://10.0.0.7:8000/followup{PATH}?a=%20b"),
        ("https://example.com/", "", f"https://example.com{PATH}?a=%20b"),
        ("https://example.com/crm", "/crm", f"https://example.com/crm{PATH}?a=%20b"),
        ("https://example.com/crm", "", f"https://example.com/crm{PATH}?a=%20b"),
    ],
)
async def test_the_address_a_vendor_asked_is_told_to_the_letter(public_url, root, address) -> None:
    """Signatures are made over it, also where we are mounted under a prefix, which the
    public address has in it.
    """
    door = Door(
        Database("postgresql://nobody@127.0.0.1:9/none", role=Role.WORKER),
        Vault((new_secret_key(),)),
        Vendors({}),
        Figures(Metrics()),
        public_url=public_url,
    )
    assert door.url(asked(root)) == address
    assert door.url(asked(root), query=False) == address.partition("?")[0]
