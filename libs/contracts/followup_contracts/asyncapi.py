"""The whole of our messaging as one AsyncAPI 3 document: exchanges, queues, messages.

A channel per message type says where it is published (exchange and routing key), a
channel per queue what comes out of it. Operations are named after who acts.
"""

import inspect
from collections.abc import Iterable
from typing import Any

from followup_contracts import commands, events
from followup_contracts.envelope import CONTENT_TYPE
from followup_contracts.payload import CHANNELS, LANES, Payload
from followup_contracts.registry import MESSAGES
from followup_contracts.schema import envelope_schema, payload_schema
from followup_contracts.topology import INGRESS, QUEUES, Queue, exchange_of_type

_PARAMETERS: dict[str, dict[str, Any]] = {
    "lane": {"enum": list(LANES), "description": "now: speed to lead; later: the rest."},
    "channel": {"enum": list(CHANNELS)},
}
_DIVIDED: dict[type[Payload], tuple[str, ...]] = {
    events.LeadCaptured: ("lane",),
    commands.SendTouch: ("channel", "lane"),
}


def document(version: str) -> dict[str, Any]:
    """The document, ready to be written as JSON."""
    types = list(MESSAGES.values())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Followup",
            "version": version,
            "description": inspect.cleandoc(__doc__ or ""),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            **{name_of(t): _type_channel(t) for t in types},
            **{queue.name: _queue_channel(queue) for queue in QUEUES},
        },
        "operations": {
            **{f"publish-{name_of(t)}": _publishing(t) for t in types},
            **{f"read-{queue.name}": _reading(queue) for queue in QUEUES},
        },
        "components": {
            "messages": {name_of(t): _message(t) for t in types},
            "schemas": {
                "envelope": envelope_schema(),
                **{name_of(t): payload_schema(t) for t in types},
            },
        },
    }


def name_of(payload: type[Payload]) -> str:
    """The type without its prefix: the name of its channel, message and schema."""
    return payload.type_name.removeprefix("followup.")


def address_of(payload: type[Payload]) -> str:
    """The routing key, with a `{parameter}` for each part that queues divide by."""
    return ".".join((name_of(payload), *(f"{{{p}}}" for p in _DIVIDED.get(payload, ()))))


def _type_channel(payload: type[Payload]) -> dict[str, Any]:
    channel: dict[str, Any] = {
        "address": address_of(payload),
        "messages": _messages([payload]),
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {
                    "name": exchange_of_type(payload),
                    "type": "topic",
                    "durable": True,
                    "autoDelete": False,
                },
            }
        },
    }
    if payload in _DIVIDED:
        channel["parameters"] = {p: _PARAMETERS[p] for p in _DIVIDED[payload]}
    return channel


def _queue_channel(queue: Queue) -> dict[str, Any]:
    return {
        "address": queue.name,
        "description": f"A quorum queue of {queue.service}, bound to {queue.exchange}.",
        "messages": _messages(_carried(queue)),
        "bindings": {
            "amqp": {
                "is": "queue",
                "queue": {
                    "name": queue.name,
                    "durable": True,
                    "exclusive": False,
                    "autoDelete": False,
                },
            }
        },
    }


def _publishing(payload: type[Payload]) -> dict[str, Any]:
    by = "another service" if exchange_of_type(payload) == INGRESS else "Followup"
    return {
        "action": "receive" if exchange_of_type(payload) == INGRESS else "send",
        "channel": _reference("channels", name_of(payload)),
        "summary": f"Published by {by}, persistent and mandatory, with publisher confirms.",
        "bindings": {"amqp": {"deliveryMode": 2, "mandatory": True}},
    }


def _reading(queue: Queue) -> dict[str, Any]:
    return {
        "action": "receive",
        "channel": _reference("channels", queue.name),
        "summary": f"Read by {queue.service}, by any number of its replicas.",
        "bindings": {"amqp": {"ack": True}},
    }


def _message(payload: type[Payload]) -> dict[str, Any]:
    return {
        "name": payload.type_name,
        "summary": inspect.cleandoc(payload.__doc__ or "").split("\n\n")[0],
        "contentType": CONTENT_TYPE,
        "payload": {
            "allOf": [
                _reference("components", "schemas", "envelope"),
                {
                    "properties": {
                        "type": {"const": payload.type_name},
                        "data": _reference("components", "schemas", name_of(payload)),
                    }
                },
            ]
        },
    }


def _messages(payloads: Iterable[type[Payload]]) -> dict[str, Any]:
    return {name_of(p): _reference("components", "messages", name_of(p)) for p in payloads}


def _carried(queue: Queue) -> list[type[Payload]]:
    return [
        payload
        for payload in MESSAGES.values()
        if exchange_of_type(payload) == queue.exchange
        and any(
            binding == "#" or f"{binding}.".startswith(f"{name_of(payload)}.")
            for binding in queue.bindings
        )
    ]


def _reference(*path: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(path)}
