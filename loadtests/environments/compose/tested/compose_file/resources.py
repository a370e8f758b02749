"""What a Compose service says under ``deploy`` that its containers have: limits, GPUs, restarts.

It does no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

RESTARTING = frozenset({"always", "unless-stopped", "on-failure"})
"""Policies by which Compose starts a container again after an error."""

CONDITIONS = {"any": "always", "on-failure": "on-failure", "none": "no"}
"""The same policies in the words of ``deploy.restart_policy``."""

UNITS = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40}
"""The units of a size, as powers of 2."""

SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[bkmgt]?)(?:i?b)?", re.IGNORECASE)

GPU = "gpu"
"""The capability that each entry of ``gpus`` asks for."""


def deploy_limits(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return the limits below ``deploy`` by the names that a container's own limits have."""
    limits = _resources(definition).get("limits") or {}
    named = {"mem_limit": limits.get("memory"), "pids_limit": limits.get("pids")}
    return {
        key: value
        for key, value in named.items()
        if is_limit(value) and not is_limit(definition.get(key))
    }


def is_limit(value: Any) -> bool:
    """Tell whether a value limits anything: Compose reads 0 as no limit, and an engine -1."""
    text = str(value or "").strip()
    return text.strip("0.") != "" and not text.startswith("-")


def size_of(value: Any) -> int:
    """Return the bytes of a size in Compose's words, such as ``64m``; 0 for none."""
    found = SIZE.fullmatch(str(value or "").strip())
    if found is None:
        return 0
    return int(float(found["number"]) * (1 << UNITS[found["unit"].lower()]))


def reserved_devices(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the devices that a service reserves, such as GPUs.

    They have the form of ``deploy.resources.reservations.devices``, which each Compose reads. Only
    the newest read ``gpus``.
    """
    reservations = _resources(definition).get("reservations") or {}
    gpus = definition.get("gpus") or ()
    if isinstance(gpus, str):
        gpus = ({"count": gpus},)
    return [
        *map(dict, reservations.get("devices") or ()),
        *({**gpu, "capabilities": sorted({GPU, *(gpu.get("capabilities") or ())})} for gpu in gpus),
    ]


def restart_of(definition: Mapping[str, Any]) -> str:
    """Return a service's restart policy, by ``restart`` or else by ``deploy``; ``no`` without."""
    if definition.get("restart"):
        return str(definition["restart"])
    policy = (definition.get("deploy") or {}).get("restart_policy")
    if not isinstance(policy, Mapping):
        return "no"
    condition = CONDITIONS.get(str(policy.get("condition") or "any"), "no")
    attempts = policy.get("max_attempts")
    return f"{condition}:{attempts}" if condition == "on-failure" and attempts else condition


def retrying(policy: str) -> str:
    """Return the policy of a service that is started again until the replicas are up.

    It is ``on-failure``, with the user's number of attempts: by ``always``, a migration that has
    succeeded would run again, and a container would come back with the engine.
    """
    kind, _, attempts = policy.partition(":")
    if kind not in RESTARTING:
        return "no"
    return f"on-failure:{attempts}" if attempts else "on-failure"


def _resources(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    return (definition.get("deploy") or {}).get("resources") or {}
