"""Whose connections a store has, by the addresses of its clients."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

ADDRESS = re.compile(r"(?!127\.|::1$)([\d.]+|[0-9a-f]*:[0-9a-f:.]+)", re.IGNORECASE)
"""An IP address of another machine or container; names and sockets are none."""


def by_replica(
    hosts: Iterable[str | None], addresses: Mapping[str, str]
) -> tuple[dict[str, int], int]:
    """Return how many clients each replica has, and how many come from another address.

    ``addresses`` has the name of the replica at each IP address. Where it is empty, replicas have
    no address of their own, and nobody comes from another one.
    """
    named: Counter[str] = Counter()
    elsewhere = 0
    for host in hosts:
        name = addresses.get(host or "")
        if name is not None:
            named[name] += 1
        elif addresses and ADDRESS.fullmatch(host or ""):
            elsewhere += 1
    return dict(sorted(named.items())), elsewhere
