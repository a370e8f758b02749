"""Finds code that is mounted over an image: then base and head would be one version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from loadtests.environments.compose.tested.compose_file.mounts import Mount, parse
from loadtests.environments.compose.tested.subject import Subject
from loadtests.gate.named_versions import Named
from loadtests.model.errors import UsageError

CODE = (".py", ".pyc", ".so")


def check(subject: Subject, place: Path, named: Named) -> None:
    """Raise :class:`UsageError` if the measured service runs code of a mount, not of its image.

    ``place`` is the folder of the version.
    """
    for mount in mounts_of_code(subject, place):
        raise UsageError(
            f"The service {subject.measured.name} of {named.name} mounts {_told(mount, place)} over"
            f" its image, at {mount.target}. Base and head would run the same code, so a gate could"
            " not tell them apart. Leave the mount out in the file that the gate reads: keep it in"
            " compose.override.yaml, which is for development, and COPY the code in the Dockerfile."
        )


def mounts_of_code(subject: Subject, place: Path) -> Iterator[Mount]:
    """Yield the mounts that may bring code: folders of the project or around it, and modules."""
    for entry in subject.measured.definition.get("volumes") or ():
        mount = parse(entry)
        source = Path(mount.source)
        if mount.kind != "bind" or not mount.source:
            continue
        has_code = source.is_dir() and any(
            any(source.glob(f"{deep}*{suffix}")) for suffix in CODE for deep in ("", "*/")
        )
        if source.suffix in CODE or has_code or source == place:
            yield mount


def _told(mount: Mount, place: Path) -> str:
    source = Path(mount.source)
    return f"./{source.relative_to(place)}" if source.is_relative_to(place) else mount.source
