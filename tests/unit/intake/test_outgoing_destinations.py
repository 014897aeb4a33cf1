"""Where events may go: the open Internet and nothing inside."""

import pytest

from followup_intake.core.destinations import is_open, may_connect, unusable

CLOSED = [
    "0.0.0.0",  # noqa: S104 - nothing is bound to it
    *("0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200"),
    *("127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.0.1", "169.254.169.254"),
    *("169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192"),
    *("192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1"),
    *("198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.250"),
    *("240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::8.8.8.8"),
    *("fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1"),
    *("2001::1", "2001:2::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::"),
    *("3fff::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "4000::1"),
    *("", "localhost", "example.com", "2130706433", "0x7f000001", "127.1", "1.2.3.4.5", "[::1]"),
]
OPEN = [
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1"),
    *("126.255.255.255", "128.0.0.1", "168.63.129.15", "169.253.255.255", "172.15.255.255"),
    *("172.32.0.1", "192.167.255.255", "192.169.0.1", "198.17.255.255", "223.255.255.255"),
    *("2001:4860:4860::8888", "2606:4700::1111", "2a00::1", "64:ff9b::808:808"),
]
URLS = [
    *("", "example.com", "/hook", "https://", "https:///hook", "ftp://example.com/"),
    *("http://example.com/", "HTTP://example.com/", "javascript:alert(1)", "file:///etc/passwd"),
    *("https://user@example.com/", "https://user:password@example.com/", "https://@example.com/"),
    *("https://example.com/#part", "https://exa mple.com/", "https://example.com/\n"),
    *("https://example.com:0/", "https://example.com:65536/", "https://example.com:x/"),
    *("https://[::1/", "https://[::1]/", "https://127.0.0.1/", "https://127.1/"),
    *("https://2130706433/", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/"),
    *("https://localhost/", "https://a.localhost/", "http://localhost/", "http://127.0.0.1:9/"),
    *("https://example.com\\@127.0.0.1/", "https://exämple.com/", "https://[fe80::1%25eth0]/"),
    "https://example.com/" + "x" * 2000,
]


@pytest.mark.parametrize("address", CLOSED)
def test_no_closed_address_is_connected_to(address):
    """Private, special, mapped and misspelt ones; what is no address either."""
    assert not is_open(address)
    assert not may_connect(address, loopback=False)


@pytest.mark.parametrize("address", OPEN)
def test_open_addresses_are(address):
    """Neighbours of closed ranges, and NAT64 by the address in it."""
    assert is_open(address)


@pytest.mark.parametrize("url", URLS)
def test_what_is_no_endpoint_is_named(url):
    """Anything but https to a host that may be on the open Internet."""
    assert unusable(url, loopback=False) is not None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/hook?token=x%20y",
        "https://8.8.8.8/hook",
        "https://[2606:4700::1111]/hook",
        "https://xn--exmple-cua.com/",
    ],
)
def test_an_endpoint_is_an_https_url(url):
    """With port, path and query as its owner likes."""
    assert unusable(url, loopback=False) is None


def test_this_machine_is_reached_where_the_setting_allows_it():
    """By http, too; but nothing else that is closed, and http to nobody else."""
    for url in (
        "http://127.0.0.1:8000/x",
        "http://localhost:1/",
        "https://[::1]/",
        "http://[::1]/",
    ):
        assert unusable(url, loopback=True) is None
    for url in ("http://example.com/", "https://10.0.0.1/", "http://169.254.169.254/"):
        assert unusable(url, loopback=True) is not None
    assert may_connect("127.0.0.1", loopback=True)
    assert not may_connect("10.0.0.1", loopback=True)
    assert not may_connect("::ffff:127.0.0.1", loopback=False)
