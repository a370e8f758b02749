"""The user's own proxy in front of the replicas, as it was seen. PURE."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Front:
    """What the configuration and the log of the user's proxy say of how it passes requests on.

    ``service`` is its name in the Compose file. ``by_address`` is the setting that sends all
    requests of one address to one replica, such as ``ip_hash``. ``looked_up`` is a name of replicas
    that it looks up once, when it starts. ``looks_again_s`` is how often it looks names up again;
    None where it does not. ``sets_aside_s`` is how long a replica gets nothing after it failed;
    None where that is switched off. ``failures`` are the lines of its log that tell of a replica
    that failed. ``connections`` is how many it can have at once, those to users and to replicas
    together. Where ``known`` is False, nothing could be read.
    """

    service: str
    known: bool = False
    by_address: str | None = None
    looked_up: str | None = None
    looks_again_s: float | None = None
    sets_aside_s: float | None = None
    failures: int = 0
    connections: int | None = None
