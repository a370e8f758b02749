"""The volumes and mounts of a Compose service: each run has its own volumes.

A store's data never is the user's: a load test would write into it, and a store of theirs that runs
at the same time would be broken by a second one on the same files.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from loadtests.environments.compose.tested.hidden import escaped
from loadtests.targets.compose_file.needs import Services

DATA_FOLDERS = ("/var/lib/", "/data", "/bitnami/", "/usr/share/elasticsearch/data", "/var/opt/")
"""Where the images of stores keep their data; even one file there is not the user's."""

READ_FOLDERS = ("/docker-entrypoint-initdb.d", "/etc/", "/usr/local/etc/")
"""Where the images of stores find scripts and settings, and write no data."""

IN_MEMORY = "tmpfs"
"""The one type of a volume's file system that is the run's own; others are shares, such as NFS."""

BINDS = frozenset({"bind", "rbind", "remount"})
"""Words of a volume's option ``o`` that mount what is there, whatever the volume's type."""


@dataclass(frozen=True, kw_only=True)
class Mount:
    """One entry of ``volumes``; ``source`` is empty for a volume without a name."""

    kind: str
    source: str
    target: str
    read_only: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.source} → {self.target}{' (read-only)' if self.read_only else ''}"


def parse(entry: Any) -> Mount:
    """Parse an entry in the long form, or in the short one of docker-compose 1.29."""
    if isinstance(entry, Mapping):
        kind = str(entry.get("type") or "volume")
        return Mount(
            kind=kind,
            source=str(entry.get("source") or ""),
            target=str(entry.get("target") or ""),
            read_only=bool(entry.get("read_only")),
            options=dict(entry.get(kind) or {}),
        )
    words = str(entry).split(":")
    if len(words) == 1:
        return Mount(kind="volume", source="", target=words[0])
    modes = words[2].split(",") if len(words) > 2 else []
    return Mount(
        kind="bind" if words[0].startswith(("/", ".", "~")) else "volume",
        source=words[0],
        target=words[1],
        read_only="ro" in modes,
    )


def entry_of(mount: Mount) -> dict[str, Any]:
    """Return a mount in Compose's long form, which both versions read."""
    entry: dict[str, Any] = {"type": mount.kind, "target": mount.target}
    if mount.source:
        entry["source"] = mount.source
    if mount.read_only:
        entry["read_only"] = True
    if mount.options:
        entry[mount.kind] = dict(mount.options)
    return entry


@dataclass(frozen=True, kw_only=True)
class Mounts:
    """The mounts of a service in our project, the volumes that it names, and sentences on them."""

    entries: tuple[Mount, ...]
    volumes: tuple[str, ...]
    notes: tuple[str, ...]


def volumes_of(services: Services, service: str) -> list[dict[str, Any]]:
    """Return the volumes of a service, with those of the services in its ``volumes_from``."""
    mounts = {mount.target: mount for mount in map(parse, services[service].get("volumes") or ())}
    for entry in services[service].get("volumes_from") or ():
        name, _, mode = str(entry).partition(":")
        for mount in map(parse, (services.get(name) or {}).get("volumes") or ()):
            own = replace(mount, read_only=mount.read_only or mode == "ro")
            mounts.setdefault(mount.target, own)
    return [entry_of(mount) for mount in mounts.values()]


def mounts_of(
    name: str, definition: Mapping[str, Any], *, is_store: bool, files: Collection[str] = ()
) -> Mounts:
    """Return the mounts of a service; folders that a store may write into become the run's volumes.

    Where an image keeps its data is known of some only, so all folders count but those of scripts
    and settings, which become read-only: known ones, and those of which the command names a file.
    ``files`` are sources of mounts that are single files.
    """
    entries, notes, kept = [], [], []
    words = str([definition.get("entrypoint"), definition.get("command")])
    for mount in map(parse, definition.get("volumes") or ()):
        if mount.kind == "bind" and is_store and _is_read(mount, files, words):
            mount = replace(mount, read_only=True)  # noqa: PLW2901
        if mount.kind == "bind" and is_store and _holds_data(mount, files):
            notes.append(
                f"{name}: its data is the run's own and empty at the start; {mount.source} is not"
                " touched. If that is only read, mount it read-only (:ro)."
            )
            entries.append(Mount(kind="volume", source="", target=mount.target))
            continue
        if mount.kind == "bind":
            kept.append(str(mount))
        entries.append(mount)
    if kept:
        writable = "" if all(text.endswith("(read-only)") for text in kept) else _WRITABLE
        notes.append(
            f"{name}: folders and files of this machine stay mounted: {_list(kept)}.{writable}"
        )
    named = tuple(mount.source for mount in entries if mount.kind == "volume" and mount.source)
    return Mounts(entries=tuple(entries), volumes=named, notes=tuple(notes))


_WRITABLE = " What is written there stays."


def _is_read(mount: Mount, files: Collection[str], words: str) -> bool:
    target = f"{posixpath.normpath(mount.target)}/"
    folders = tuple(f"{folder.rstrip('/')}/" for folder in READ_FOLDERS)
    # Such as /conf/redis.conf; a folder alone may be that of the data.
    named = re.search(rf"{re.escape(target)}[\w./-]*\.[a-z]+\b", words)
    is_named = named is not None and not target.startswith(DATA_FOLDERS)
    return (target.startswith(folders) or is_named) and mount.source not in files


def _holds_data(mount: Mount, files: Collection[str]) -> bool:
    is_folder = mount.source not in files
    return not mount.read_only and (is_folder or mount.target.startswith(DATA_FOLDERS))


def own_volumes(
    names: Sequence[str], declared: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the run's volumes for those that services name, and sentences on them."""
    volumes: dict[str, Any] = {}
    notes, plain = [], []
    for name in dict.fromkeys(names):
        settings = declared.get(name) or {}
        options = settings.get("driver_opts") or {}
        local = not options or is_in_memory(options)
        volumes[name] = {"driver_opts": escaped(dict(options))} if options and local else {}
        if settings.get("external") or not local:
            is_there = _binds(options) or options.get("type") == IN_MEMORY
            place = f"the folder {options.get('device')}" if is_there else "on a share"
            what = "external" if settings.get("external") else place
            notes.append(
                f"The volume {name} is {what}, so an empty one of the run stands in for it."
            )
        else:
            plain.append(name)
    if plain:
        notes.append(f"Volumes are the run's own and empty at the start: {_list(plain)}.")
    return volumes, tuple(notes)


def is_in_memory(options: Mapping[str, Any]) -> bool:
    """Return whether a volume with these options is new memory, and nothing that is there."""
    is_new = options.get("type") == options.get("device") == IN_MEMORY
    return is_new and not _binds(options)


def _binds(options: Mapping[str, Any]) -> bool:
    return any(word.strip().lower() in BINDS for word in str(options.get("o") or "").split(","))


def places_of(names: Sequence[str], declared: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the options of the volumes that are a place of this machine or of another one."""
    options = {name: (declared.get(name) or {}).get("driver_opts") or {} for name in names}
    return {
        name: dict(given) for name, given in options.items() if given and not is_in_memory(given)
    }


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
