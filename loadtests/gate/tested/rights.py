"""What a version's Compose file takes of this machine: head may take no more than base.

Whoever opens a pull request writes head's file. With a mount of the engine's socket, or a
privileged container, head could reach base, and all else on the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loadtests.environments.compose.tested.compose_file.mounts import parse
from loadtests.environments.compose.tested.compose_file.resources import reserved_devices
from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.gate.named_versions import Named
from loadtests.model.errors import UsageError
from loadtests.model.safe_text import one_line

POWERFUL = (
    *("privileged", "cap_add", "devices", "device_cgroup_rules", "security_opt", "userns_mode"),
    *("runtime", "cgroup", "sysctls", "oom_score_adj", "oom_kill_disable"),
)
"""Settings of a service that take from its isolation; most of them are in CIS Docker 1.6, §5."""

HARDENING = re.compile(r"no-new-privileges([:=]true)?")
"""An entry of ``security_opt`` that only takes rights away from a container."""

OF_A_BUILD = ("network", "ssh", "secrets", "extra_hosts", "cache_to", "cache_from")
"""Settings of a build section that reach beyond its files."""


def of(subject: Subject, root: Path) -> frozenset[str]:
    """Return what the services of a version take, in words; ``root`` has the version's files."""
    of_parts = (
        f"{part.name}: {one_line(right)}"
        for part in subject.parts
        for right in _of_part(part, root)
    )
    of_volumes = (
        one_line(f"volume {name}: {_text(options)}")
        for name, options in subject.volume_places.items()
        if not _is_of_version(options, root)
    )
    return frozenset((*of_parts, *of_volumes))


def check(base: frozenset[str], head: frozenset[str], named: Named) -> None:
    """Raise :class:`UsageError` if head takes something that base does not."""
    more = sorted(head - base)
    if more:
        raise UsageError(
            f"--{named.name} {named.asked!r} takes more of this machine than base does:"
            f" {'; '.join(more)}. With it a change could reach base and this machine. Look at it;"
            " once it is in base, a gate takes it. Or name images: --base-image, --head-image."
        )


def _of_part(part: Part, root: Path) -> Iterator[str]:
    for key in POWERFUL:
        value = _without_hardening(key, part.definition.get(key))
        if value:
            yield f"{key} {_text(value)}"
    for device in reserved_devices(part.definition):
        yield f"reserved device {_text(device)}"
    for entry in part.definition.get("volumes") or ():
        mount = parse(entry)
        if mount.kind == "bind" and not _is_in(Path(mount.source), root):
            yield f"mount {mount}"
    yield from _of_build(part.build or {}, root)


def _without_hardening(key: str, value: Any) -> Any:
    """Return what a setting takes; None where it only gives up something, or has the default."""
    if key == "security_opt" and isinstance(value, list | tuple):
        return [entry for entry in value if not HARDENING.fullmatch(str(entry))]
    is_killed_earlier = key == "oom_score_adj" and isinstance(value, int) and value > 0
    return None if is_killed_earlier or (key, value) == ("cgroup", "private") else value


def _is_of_version(options: Mapping[str, Any], root: Path) -> bool:
    """Return whether a volume is only a folder of the version's own; an empty one stands for it."""
    device = str(options.get("device") or "")
    return device.startswith("/") and _is_in(Path(device), root)


def _of_build(build: Mapping[str, Any], root: Path) -> Iterator[str]:
    for key in OF_A_BUILD:
        if build.get(key):
            yield f"build.{key} {_text(build[key])}"
    for name, place in (build.get("additional_contexts") or {}).items():
        if "://" in str(place) or not _is_in(Path(str(place)), root):
            yield f"build.additional_contexts {name}={place}"
    context = str(build.get("context") or ".")
    if not build or "://" in context:
        return
    dockerfile = Path(context) / str(build.get("dockerfile") or "Dockerfile")
    for name, path in (("context", Path(context)), ("dockerfile", dockerfile)):
        if not _is_in(path, root):
            yield f"build.{name} {path.resolve()}"


def _is_in(path: Path, root: Path) -> bool:
    """Return whether a path leads into a folder, with all links followed."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # links in a circle
        return False


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={inner}" for name, inner in sorted(value.items()))
    if isinstance(value, list | tuple):
        return ", ".join(sorted(map(str, value)))
    return str(value)
