"""Services of Compose files, which a gate cannot take as versions, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loadtests.model.errors import UsageError
from loadtests.targets import compose_service
from loadtests.tools import docker_compose
from loadtests.tools.docker_compose import ComposeFileError

INSTEAD = "Name a git ref, a folder with a Dockerfile, or an image that is built from each version."


def refuse(name: str, asked: str, here: Path) -> None:
    """Raise :class:`UsageError` if a version is named by a service of a Compose file.

    Where the service mounts code over its image, base and head would even be one version.
    """
    if not compose_service.recognises(asked, here):
        return
    target = compose_service.find(asked, here)
    folder = Path(target.folder or here)
    mounts = tuple(_code_mounts(Path(target.compose_file or ""), target.service or "", folder))
    if mounts:
        source, inside = mounts[0]
        raise UsageError(
            f"--{name} {asked}: the service mounts {source} over {inside}, so the code comes from"
            f" that folder, whatever the image is, and base and head would be one version. Take the"
            f" mount out. {INSTEAD}"
        )
    raise UsageError(f"--{name} {asked}: a gate takes no service of a Compose file. {INSTEAD}")


def _code_mounts(file: Path, service: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the folders of the project that a service mounts, and where."""
    try:
        document = docker_compose.parse(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ComposeFileError):
        return
    services = document.get("services")
    definition = services.get(service) if isinstance(services, Mapping) else None
    for entry in (definition or {}).get("volumes") or ():
        source, inside = _ends(entry)
        path = (folder / source).resolve() if source.startswith((".", "/")) else None
        if path is not None and path.is_dir() and _has_code(path):
            yield str(path), inside


def _ends(entry: Any) -> tuple[str, str]:
    """Return the source and the target of a mount, in its long or its short form."""
    if isinstance(entry, Mapping):
        return str(entry.get("source") or ""), str(entry.get("target") or "")
    source, _, rest = str(entry).partition(":")
    return source, rest.partition(":")[0]


def _has_code(folder: Path) -> bool:
    return any(folder.glob("*.py")) or any(folder.glob("*/*.py"))
