"""How a machine's generator and the harness show each other that they know the same secret.

The secret itself is never sent: each side proves it for the other's fresh random number (HMAC,
RFC 2104). What follows is neither encrypted nor signed, so the network has to be a private one.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

VARIABLE = "TWOFOLD_GENERATOR_SECRET"
"""The variable with the secret, on both sides; it is never among a command's words."""

LEAST_CHARS = 16
"""Shorter secrets could be guessed from what is seen of a handshake."""

LIMIT_S = 10.0
"""How long each side waits for the other's next line."""

LONGEST_LINE = 65_536

PASSED_ON = frozenset({"TWOFOLD_MAX_RPS", "TWOFOLD_ADDRESS", "TWOFOLD_REPLICA_HEADER"})
"""The harness's variables that the generator of another machine gets: what it may ask, and how."""

NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"),
    )
)
"""Loopback (RFC 1122, RFC 4291) and private networks (RFC 1918, RFC 4193)."""


class Unusable(Exception):
    """A generator of another machine cannot be used; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Join:
    """What the harness asks of a machine: the part ``number`` of ``of``, with ``processes``."""

    number: int
    of: int
    processes: int
    variables: Mapping[str, str] = field(default_factory=dict)

    def as_text(self) -> str:
        """Return it as the text that both sides sign."""
        return json.dumps(asdict(self), sort_keys=True)


def read_join(value: Any) -> Join:
    """Return what a line asks for; raises ``Unusable``."""
    try:
        join = Join(**value)
        numbers = (join.number, join.of, join.processes)
        fits = all(type(number) is int for number in numbers) and 0 <= join.number < join.of
        variables = dict(join.variables)
    except (TypeError, ValueError):
        fits, variables = False, {}
    if not fits or not variables.keys() <= PASSED_ON:
        raise Unusable(f"What was asked cannot be read: {value!r}.")
    return join


def secret() -> bytes:
    """Return the secret of the environment; raises ``Unusable`` without one."""
    text = os.environ.get(VARIABLE, "")
    if len(text) < LEAST_CHARS:
        raise Unusable(
            f"The variable {VARIABLE} needs a secret of at least {LEAST_CHARS} characters, the same"
            " on all machines. Make one: openssl rand -hex 16."
        )
    return text.encode()


def fresh() -> str:
    """Return a new random number, as text."""
    return secrets.token_hex(16)


def proof(key: bytes, side: str, theirs: str, own: str, join: Join) -> str:
    """Return the proof of ``side`` for the other's number, which no other line has."""
    text = f"{side}\n{theirs}\n{own}\n{join.as_text()}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def holds(key: bytes, given: Any, side: str, theirs: str, own: str, join: Join) -> bool:
    """Return whether a proof is right."""
    return isinstance(given, str) and hmac.compare_digest(
        given.encode(), proof(key, side, theirs, own, join).encode()
    )


def is_private(address: str) -> bool:
    """Return whether an address is loopback or private; False for what is no address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in NETWORKS)


def host_and_port(text: str) -> tuple[str, int]:
    """Return the parts of ``host:port`` or ``[address]:port``; raises ``Unusable``."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 <= int(port) <= 65_535:
        raise Unusable(f"{text!r} is no address of a generator. Example: 10.0.0.5:8089")
    return host.removeprefix("[").removesuffix("]"), int(port)
