"""What a run leaves out of a service, and says so: it sets these itself, or cannot have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loadtests.environments.compose.tested.compose_file.resources import is_limit

KEPT = frozenset(
    {
        *("working_dir", "user", "group_add", "init", "tty", "stdin_open", "hostname"),
        *("domainname", "tmpfs", "shm_size", "ulimits", "sysctls", "cap_add", "cap_drop"),
        *("security_opt", "privileged", "devices", "read_only", "dns", "dns_search", "dns_opt"),
        *("extra_hosts", "stop_signal", "mem_limit", "memswap_limit", "mem_reservation"),
        *("mem_swappiness", "oom_kill_disable", "oom_score_adj", "pids_limit", "runtime"),
        *("platform", "userns_mode", "device_cgroup_rules", "storage_opt", "cgroup"),
    }
)
"""Settings that are taken over as they are."""

TURNED = frozenset(
    {
        *(
            "image",
            "build",
            "command",
            "entrypoint",
            "environment",
            "volumes",
            "secrets",
            "configs",
        ),
        *("networks", "links", "depends_on", "healthcheck", "deploy", "volumes_from", "expose"),
        *("profiles", "extends", "env_file", "pull_policy", "develop", "attach", "annotations"),
        *("network_mode", "scale", "gpus"),
    }
)
"""Settings that are read and become something of ours, or that mean nothing in a run."""


NOTHING: tuple[Any, ...] = (None, [], {}, "", "no", 0)
"""Values by which a setting says nothing."""

ORDINARY_NETWORKS = frozenset({"bridge", "default"})
"""Network modes of a container that is reached by its own address."""

RESOURCES = {"limits": ("cpus",), "reservations": ("cpus", "memory")}
"""Resources under ``deploy`` that replicas do not get as the user says."""

RESTARTS = frozenset({"restart", "restart_policy"})


def left_out(definition: Mapping[str, Any], *, restarts: bool = False) -> tuple[str, ...]:
    """Return the settings of a service that a run does not have, with their values.

    ``restarts`` tells that the run keeps its restart policy.
    """
    kept = RESTARTS if restarts else frozenset()
    return tuple(
        _settings({key: value for key, value in definition.items() if key not in kept}, kept)
    )


def _settings(definition: Mapping[str, Any], kept: frozenset[str]) -> Iterator[str]:
    for key, value in definition.items():
        if key in KEPT or key in TURNED or key.startswith("x-") or value in NOTHING:
            continue
        if key == "ports":
            yield f"ports {', '.join(sorted({_port(port) for port in value}))}"
        elif isinstance(value, str | int | float):
            yield f"{key} {value}"
        else:
            yield key
    yield from _deployed(definition.get("deploy") or {}, kept)
    mode = definition.get("network_mode")
    if mode and mode not in ORDINARY_NETWORKS:
        yield f"network_mode {mode}"
    if definition.get("scale"):
        yield f"scale {definition['scale']}"
    for name, network in _networks(definition):
        addresses = [network.get(key) for key in ("ipv4_address", "ipv6_address")]
        yield from (f"address {address} on {name}" for address in addresses if address)


def _deployed(deploy: Mapping[str, Any], kept: frozenset[str]) -> Iterator[str]:
    resources = deploy.get("resources") or {}
    for key in ("mode", "replicas", "restart_policy", "update_config", "rollback_config"):
        if deploy.get(key) and key not in kept:
            value = deploy[key]
            yield f"deploy.{key} {value}" if isinstance(value, str | int) else f"deploy.{key}"
    for kind, keys in RESOURCES.items():
        given = resources.get(kind) or {}
        for key in keys:
            if is_limit(given.get(key)):
                yield f"deploy.resources.{kind}.{key} {given[key]}"


def _networks(definition: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    networks = definition.get("networks")
    if isinstance(networks, Mapping):
        for name, network in networks.items():
            yield str(name), network or {}


def _port(port: Any) -> str:
    """Return a published port as a person writes it: ``8080:5000``."""
    if not isinstance(port, Mapping):
        return str(port).partition("/")[0]
    published = port.get("published")
    return f"{published}:{port.get('target')}" if published else str(port.get("target"))


def declared_ports(definition: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the containers' own ports that a service publishes or exposes, sorted."""
    ports: set[int] = set()
    for entry in (*(definition.get("ports") or ()), *(definition.get("expose") or ())):
        target = entry.get("target") if isinstance(entry, Mapping) else entry
        words, _, protocol = str(target).partition("/")
        number = words.rpartition(":")[2]
        if number.isdigit() and protocol in {"", "tcp"}:
            ports.add(int(number))
    return tuple(sorted(ports))
