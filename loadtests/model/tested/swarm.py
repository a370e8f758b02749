"""How a Docker Swarm is reached: the engines of its nodes. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class SwarmAccess:
    """The engines of a Swarm's nodes, as the configuration names them.

    ``nodes`` are the addresses of engines by the user's names for the nodes, such as
    ``unix:///run/node2.sock`` or ``ssh://node2``. ``builder`` is the engine that builds the images;
    None means the one on this machine, the manager's, or the first node's. ``encrypted`` asks for
    an overlay network whose traffic between nodes is encrypted.
    """

    nodes: Mapping[str, str] = field(default_factory=dict)
    builder: str | None = None
    encrypted: bool = False
