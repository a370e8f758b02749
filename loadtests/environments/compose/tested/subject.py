"""The user's target as services of a stack: one that is measured, and those that it needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

NO_RESTART = "no"
"""The policy of a container that is not started again when it ends."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One service of the user's.

    ``name`` is the user's, ``service`` the one in our project. ``definition`` is what the user
    wants of its containers, in Compose's words, without the image. ``build`` is a section of a
    Compose file; None means that the image is there or can be pulled. ``ports`` are those that
    somebody declared, by EXPOSE or by publishing them. ``hosts`` are the names by which other
    services reach it.
    """

    name: str
    service: str
    image: str
    build: Mapping[str, Any] | None = None
    definition: Mapping[str, Any] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    hosts: tuple[str, ...] = ()
    is_store: bool = False
    has_to_end: bool = False
    """Whether what needs it starts after its end, such as a migration."""
    restart: str = NO_RESTART
    """Whether it is started again after an error while the stack starts; never later."""

    @property
    def waits(self) -> bool:
        """Whether Compose starts it only when others are healthy or have ended."""
        started = {"condition": "service_started"}
        return any(how != started for how in self.definition.get("depends_on", {}).values())


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The measured service, those that it needs, and what they share.

    ``front`` is the user's own proxy, where the replicas are measured through it. ``values`` are
    texts of the user's that are not written down: the definitions have ``${NAME}``
    in their place. ``volume_places`` are the options by which the file's volumes are a folder or a
    share; the run has empty ones instead. ``others`` are services of the file that are not started.
    ``unset`` are variables that the file uses and that have no value.
    """

    measured: Part
    needs: tuple[Part, ...] = ()
    front: Part | None = None
    volumes: Mapping[str, Any] = field(default_factory=dict)
    volume_places: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    secrets: Mapping[str, Any] = field(default_factory=dict)
    configs: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """The measured service, those that it needs, and the proxy in front of it."""
        return (self.measured, *self.needs, *([self.front] if self.front else []))

    def with_images(self, ids: Mapping[str, str]) -> Subject:
        """Return it with the image of each part by its id, which no later build changes.

        ``ids`` are by the parts' names.
        """

        def by_id(part: Part) -> Part:
            return replace(part, image=ids[part.name])

        return replace(
            self,
            measured=by_id(self.measured),
            needs=tuple(map(by_id, self.needs)),
            front=by_id(self.front) if self.front is not None else None,
        )

    @property
    def shares_state(self) -> bool:
        """Whether replicas have a service or a volume in common, and can race for it."""
        return bool(self.needs or self.volumes)


def tag_of(path: Path) -> str:
    """Return the beginning of the tags of images that are built for a file or folder."""
    return f"twofold/target-{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
