"""Debian's Postfix with folders and a port of its own, for tests that run as root."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from followup_testkit.packages import install
from followup_testkit.ports import free_port
from followup_testkit.waiting import until

DOMAIN = "shop.example"
MAILBOX = "dana"
AWAY = "away.example"
"""A domain elsewhere, whose server knows none of its mailboxes."""
_PROGRAMS = Path("/usr/lib/postfix/sbin")

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.{domain}
mydestination =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {{ {mailbox}@{domain} = {mailbox}/ }} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_mynetworks, reject
smtpd_relay_restrictions = permit_mynetworks, reject
message_size_limit = 100000
recipient_delimiter = +
smtp_dns_support_level = disabled
virtual_alias_domains =
transport_maps = inline:{{ {{ {away} = smtp:[127.0.0.1]:{away_port} }} {transports} }}
away_restrictions = check_recipient_access static:{{ 550 5.1.1 nobody has that name }}, reject
{aliases}
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{away_port} inet n - n - - smtpd
    -o smtpd_recipient_restrictions=$away_restrictions
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """A running server and the one mailbox it delivers to."""

    port: int
    folder: Path

    @property
    def letters(self) -> list[Path]:
        """What lies in the mailbox."""
        return sorted((self.folder / "mail" / MAILBOX / "new").glob("*"))

    async def delivered(self, count: int) -> list[bytes]:
        """The letters, once there are so many."""
        await until(lambda: len(self.letters) >= count, within=60, what=f"{count} letters")
        return [letter.read_bytes() for letter in self.letters]


def installed() -> None:
    """Have Postfix here; it is installed where it is missing, and not started."""
    failed = install("postfix", missing=lambda: not (_PROGRAMS / "master").exists())
    assert failed is None, failed


NOTHING: Mapping[str, str] = {}


@asynccontextmanager
async def postfix(
    folder: Path,
    *,
    port: int | None = None,
    aliases: Mapping[str, str] = NOTHING,
    transports: Mapping[str, str] = NOTHING,
) -> AsyncIterator[Postfix]:
    """A Postfix of one's own in a folder; it is ended by its process.

    `aliases` are addresses that stand for others, each with whatever extension; `transports`
    are how other domains are reached (transport(5)).
    """
    port = free_port() if port is None else port
    _configure(folder, port, aliases, transports)
    server = await asyncio.create_subprocess_exec(
        _PROGRAMS / "master",
        *("-c", str(folder / "etc"), "-s"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={"MAIL_CONFIG": str(folder / "etc"), "PATH": os.environ["PATH"]},
    )
    try:
        await until(lambda: _answers(port), within=60, what="Postfix to listen")
        yield Postfix(port, folder)
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()


def _configure(
    folder: Path, port: int, aliases: Mapping[str, str], transports: Mapping[str, str]
) -> None:
    owner = pwd.getpwnam("postfix")
    for name in ("etc", "spool", "data", "mail", "log"):
        (folder / name).mkdir()
    for name in ("data", "mail"):
        shutil.chown(folder / name, "postfix", "postfix")
    facts = {"folder": folder, "domain": DOMAIN, "mailbox": MAILBOX, "port": port}
    facts |= {"away": AWAY, "away_port": free_port(), "transports": _pairs(transports)}
    facts["aliases"] = f"virtual_alias_maps = inline:{{ {_pairs(aliases)} }}" if aliases else ""
    main = _MAIN.format(**facts, uid=owner.pw_uid, gid=owner.pw_gid)
    (folder / "etc/main.cf").write_text(main)
    (folder / "etc/master.cf").write_text(_MASTER.format(**facts))
    for above in (folder, *folder.parents):
        if above.stat().st_uid == os.geteuid() and above != Path("/"):
            above.chmod(above.stat().st_mode | 0o011)  # its own users must come through
    command = ("/usr/sbin/postfix", "-c", str(folder / "etc"), "check")
    subprocess.run(command, check=True, capture_output=True, timeout=240)  # noqa: S603 - ours


def _pairs(table: Mapping[str, str]) -> str:
    return " ".join(f"{{ {name} = {value} }}" for name, value in table.items())


def _answers(port: int) -> bool:
    with socket.socket() as asking:
        asking.settimeout(0.2)
        return asking.connect_ex(("127.0.0.1", port)) == 0
