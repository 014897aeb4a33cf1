"""deploy/rabbitmq on a real node: limits that lose nothing, users of least privilege."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
import pytest
from aiormq.exceptions import AMQPConnectionError, ChannelAccessRefused
from yarl import URL

from followup_contracts.topology import COMMANDS, EVENTS, EXCHANGES, INGRESS, QUEUES
from followup_messaging.port import Fate, Outgoing
from followup_messaging.rabbitmq import RabbitBus, delete_topology
from followup_messaging.rabbitmq.declaring import DEAD
from followup_testkit.brokers import OwnBroker, own_broker
from followup_testkit.reaper import Reaper
from followup_testkit.waiting import until

FOLDER = Path(__file__).parents[3] / "deploy" / "rabbitmq"
DEFINITIONS = json.loads((FOLDER / "definitions.json").read_text())
USERS = json.loads((FOLDER / "users.json").read_text())
NAMES = [user["name"] for user in USERS["users"]]
DECLARED = {"queue-type", "delivery-limit", "dead-letter-exchange", "dead-letter-routing-key"}
KEY = "touch.failed.v1"


@pytest.fixture(scope="module")
def node(run_folder: Path, reaper: Reaper) -> Iterator[OwnBroker]:
    """A node of this file's own, with both files imported twice: doing so again is harmless."""
    broker = own_broker(run_folder / "defined-rabbit", reaper)
    for _ in range(2):
        for part in (USERS, DEFINITIONS):
            broker.control("import_definitions", given=json.dumps(part))
    yield broker
    broker.stop()


@pytest.fixture
async def bus(node: OwnBroker) -> AsyncIterator[RabbitBus]:
    """Connected as the services connect: as the user `followup`."""
    await delete_topology(node.url)
    node.control("change_password", "followup", "secret")
    bus = RabbitBus(_as(node, "followup"))
    await bus.connect()
    assert bus.connected
    yield bus
    await bus.close()


def _as(node: OwnBroker, user: str) -> str:
    return str(URL(node.url).with_user(user).with_password("secret"))


def _out(exchange: str, key: str, size: int = 10) -> Outgoing:
    return Outgoing(uuid4(), exchange, key, b"x" * size)


def test_no_policy_says_what_services_declare() -> None:
    """An argument and a policy for one thing would leave open which of them counts."""
    for policy in DEFINITIONS["policies"]:
        assert not DECLARED & set(policy["definition"])
        for queue in QUEUES:
            if re.match(policy["pattern"], queue.name):
                assert "message-ttl" not in policy["definition"]


def test_every_queue_has_a_limit() -> None:
    """Of bytes, as the disk has; and each by one policy, for only one applies."""
    for name in (DEAD, *(queue.name for queue in QUEUES)):
        (policy,) = (p for p in DEFINITIONS["policies"] if re.match(p["pattern"], name))
        assert policy["definition"]["max-length-bytes"] > 0


async def test_services_work_with_the_rights_they_are_given(
    bus: RabbitBus, node: OwnBroker
) -> None:
    """They declare everything, publish by each exchange and to a queue by name, and consume."""
    told = node.control("list_queues", "name", "policy", "--formatter", "json")
    policies = {queue["name"]: queue["policy"] for queue in json.loads(told)}
    assert policies == {DEAD: "followup-dead", **{q.name: "followup-queues" for q in QUEUES}}
    out = [_out(EVENTS, KEY), _out(INGRESS, "lead.submitted.v1"), _out("", "scheduler.touches")]
    assert set(await bus.publish(out)) == {Fate.CONFIRMED}
    async with asyncio.timeout(60), bus.subscribe("scheduler.touches", prefetch=10) as source:
        taken = await source.take(most=1, linger=0)
        await source.refuse(taken[0])  # to the dead-letter queue


async def test_a_queue_that_is_full_refuses_and_forgets_nothing(
    bus: RabbitBus, node: OwnBroker
) -> None:
    """Publishers learn of it: what they keep is published again when there is room."""
    (policy,) = (p for p in DEFINITIONS["policies"] if p["name"] == "followup-queues")
    small = policy | {"definition": policy["definition"] | {"max-length-bytes": 4000}}
    node.control("import_definitions", given=json.dumps({"policies": [small]}))
    try:
        fates = []
        async with asyncio.timeout(60):
            while Fate.FAILED not in fates:
                fates += await bus.publish([_out(EVENTS, KEY, size=1000)])
            async with bus.subscribe("scheduler.touches", prefetch=50) as source:
                kept = 0
                while kept < fates.count(Fate.CONFIRMED):
                    taken = await source.take(most=50, linger=0)
                    kept += len(taken)
                    await source.settle(taken)
            await until(lambda: _confirmed(bus), what="there is room again")
    finally:
        node.control("import_definitions", given=json.dumps(DEFINITIONS))


async def _confirmed(bus: RabbitBus) -> bool:
    return await bus.publish([_out(EVENTS, KEY)]) == [Fate.CONFIRMED]


@pytest.mark.parametrize("user", NAMES)
async def test_nobody_gets_in_without_a_password_of_the_operators(
    node: OwnBroker, user: str
) -> None:
    """The file holds none, and none is not the empty one."""
    node.control("import_definitions", given=json.dumps(USERS))
    for password in ("", "secret", user):
        url = URL(node.url).with_user(user).with_password(password)
        with pytest.raises(AMQPConnectionError):
            await aio_pika.connect(url)


@pytest.mark.parametrize(
    ("user", "allowed", "refused"),
    [
        ("followup-publisher", [("publish", INGRESS)], [
            ("publish", EVENTS), ("publish", COMMANDS), ("publish", ""), ("declare", "mine"),
            ("consume", "intake.ingress"), ("delete", "scheduler.touches"),
        ]),
        ("followup-subscriber", [("listen", "subscriber.mine")], [
            ("publish", EVENTS), ("publish", COMMANDS), ("publish", INGRESS), ("publish", ""),
            ("listen", "mine"), ("consume", "scheduler.touches"), ("delete", "scheduler.touches"),
        ]),
        ("followup-monitor", [], [
            *(("publish", exchange) for exchange in ("", *EXCHANGES)), ("declare", "subscriber.x"),
            ("consume", "scheduler.touches"),
        ]),
        ("followup", [("declare", "scheduler.more")], [
            ("declare", "mine"), ("consume", "subscriber.mine"),
        ]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
async def test_a_user_may_what_it_needs_and_no_more(
    bus: RabbitBus, node: OwnBroker, user: str, allowed: list, refused: list
) -> None:
    """Each thing tried on a channel of its own, for a refusal closes it."""
    del bus  # the topology is there
    node.control("change_password", user, "secret")
    async with await aio_pika.connect(_as(node, user)) as connection:
        for what, name in allowed:
            await _try(connection, what, name)
        for what, name in refused:
            with pytest.raises(ChannelAccessRefused):
                await _try(connection, what, name)


async def _try(connection: Any, what: str, name: str) -> None:
    channel = await (await connection.channel()).get_underlay_channel()
    match what:
        case "publish":
            await channel.basic_publish(b"{}", exchange=name, routing_key="nowhere", wait=True)
        case "declare":
            await channel.queue_declare(queue=name, exclusive=True)
        case "listen":
            await channel.queue_declare(queue=name, auto_delete=True)
            await channel.queue_bind(queue=name, exchange=EVENTS, routing_key="#")
        case "consume":
            await channel.basic_consume(name, lambda _message: None)
        case "delete":
            await channel.queue_delete(queue=name)
    await channel.close()
