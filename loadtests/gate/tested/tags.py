"""The tags of the images of a version: a gate builds both versions under names of its own."""

from __future__ import annotations

from dataclasses import replace

from loadtests.environments.compose.tested.subject import Part
from loadtests.gate.model.vocabulary import SideKind
from loadtests.gate.named_versions import Named


def of_version(parts: tuple[Part, ...], named: Named) -> tuple[Part, ...]:
    """Return parts with the images of a version; those of one image still have one.

    An image that is built has a tag that each gate uses again. An image that was named stands for
    the measured part's, also in a migration that has the same.
    """
    measured = parts[0].image
    first: dict[str, str] = {}
    own = []
    for part in parts:
        service = first.setdefault(part.image, part.service)
        if named.kind is SideKind.IMAGE and part.image == measured:
            own.append(replace(part, image=named.asked, build=None))
        elif part.build is not None:
            tag = f"twofold/gate-{named.name}-{service}:latest".lower()
            own.append(replace(part, image=tag))
        else:
            own.append(part)
    return tuple(own)
