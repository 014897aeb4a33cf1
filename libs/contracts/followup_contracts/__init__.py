"""Events, commands and their envelope, as versioned classes.

`events`, `commands` and `ingress` hold the payloads, `envelope` the CloudEvents form
they travel in, `registry` who reads what, `topology` the exchanges and queues.
"""

from followup_contracts.envelope import Message, Unreadable, decode, encode

__all__ = ["Message", "Unreadable", "decode", "encode"]
