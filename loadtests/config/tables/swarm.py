"""The table ``[tool.twofold.swarm]``: the engines of a Swarm's nodes. PURE."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from loadtests.config.tables.fields import Name
from loadtests.config.tables.table import Table, said

SCHEMES = ("unix", "tcp", "ssh", "http", "https", "npipe")


def _address(text: str) -> str:
    scheme, found, rest = text.partition("://")
    if scheme not in SCHEMES or not found or not rest:
        raise said(f"{text!r} is no address of an engine. Example: unix:///run/node2/docker.sock")
    return text


Address = Annotated[str, AfterValidator(_address)]


class SwarmTable(Table):
    """The engines of a Swarm; `DOCKER_HOST` or Docker's context names its manager."""

    nodes: dict[Name, Address] = Field(
        default={}, examples=['{node2 = "ssh://node2", node3 = "ssh://node3"}']
    )
    """The engine of each node that may have replicas, by a name of yours."""
    builder: Address | None = Field(default=None, examples=['"unix:///var/run/docker.sock"'])
    """The engine that builds the images; that of this machine, the manager or a node."""
    encrypted: bool | None = Field(default=None, examples=["true"])
    """Encrypt what goes between the nodes."""
