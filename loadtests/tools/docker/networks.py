"""Command lines that put running containers into networks, and take them out."""

from __future__ import annotations

from collections.abc import Sequence


def connect_argv(network: str, container: str, aliases: Sequence[str]) -> tuple[str, ...]:
    """Return the command that puts a container into a network, with the names it has there."""
    named = (word for alias in aliases for word in ("--alias", alias))
    return ("docker", "network", "connect", *named, network, container)


def disconnect_argv(network: str, container: str) -> tuple[str, ...]:
    """Return the command that takes a container out of a network at once."""
    return ("docker", "network", "disconnect", "--force", network, container)
