"""Docker: the files that a container changed, by its command line."""

from __future__ import annotations

import json
import re

from loadtests.tools.docker.command_lines import docker_argv

LIMIT_S = 30.0
"""Limit of removing a container, in seconds."""

FAST_DRIVERS = frozenset({"overlay2", "overlayfs", "btrfs", "zfs"})
"""Storage drivers that know what a container changed; it takes them 50 ms."""

SLOW_S = 20.0
"""How long the others may take, which compare all files with those of the image."""

ANONYMOUS = re.compile(r"[0-9a-f]{64}")
"""The name that the engine gives to a volume that has none."""


def diff_argv(container: str, *, host: str | None = None) -> tuple[str, ...]:
    """Return the command that lists what a container changed in its file system."""
    return docker_argv(host, "diff", container)


def parse_diff(text: str) -> tuple[str, ...]:
    """Parse the paths that were added (A) or changed (C) from the output of ``docker diff``."""
    lines = (line.partition(" ") for line in text.splitlines())
    return tuple(path for kind, _, path in lines if kind in {"A", "C"} and path)


def mounts_argv(container: str, *, host: str | None = None) -> tuple[str, ...]:
    """Return the command that describes a container's mounts as JSON."""
    return docker_argv(host, "inspect", "--format", "{{json .Mounts}}", container)


def parse_own_volumes(text: str) -> tuple[str, ...]:
    """Parse where the volumes without a name are, which no other container has."""
    return tuple(
        f"{mount['Destination']} (a volume of its own)"
        for mount in json.loads(text or "[]") or []
        if mount.get("Type") == "volume" and ANONYMOUS.fullmatch(mount.get("Name", ""))
    )


def remove_argv(container: str) -> tuple[str, ...]:
    """Return the command that removes a container with its volumes."""
    return ("docker", "rm", "--force", "--volumes", container)
