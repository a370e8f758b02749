"""Docker's contexts: the engine that ``docker`` uses where ``DOCKER_HOST`` names none.

Docker's library knows no contexts. Rootless Docker, Docker Desktop and colima are reached by them.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import proc

HOST = "DOCKER_HOST"
NAME = "DOCKER_CONTEXT"
CONFIG = "DOCKER_CONFIG"
DEFAULT = "default"

LIMIT_S = 20.0
"""Limit of ``docker context inspect``, which asks no engine."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """A context that somebody chose, and the address of its engine.

    ``certificates`` is the folder with those that the engine asks for, or None without any.
    """

    name: str
    address: str
    certificates: str | None = None


def chosen() -> Context | None:
    """Return the context that counts; None where ``DOCKER_HOST`` or the default does.

    Raises :class:`EnvironmentFailure` for a context that does not exist.
    """
    if os.environ.get(HOST):
        return None
    folder = os.environ.get(CONFIG) or f"{os.environ.get('HOME') or '/'}/.docker"
    name = os.environ.get(NAME) or _current(Path(folder))
    return None if name in {"", DEFAULT} else _inspected(name, folder)


def _current(folder: Path) -> str:
    """Return the name that ``docker context use`` has noted, or an empty text."""
    try:
        noted = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return str(noted.get("currentContext") or "")
    except (OSError, ValueError, AttributeError):
        return ""


@lru_cache
def _inspected(name: str, _folder: str) -> Context | None:
    """Return a context; None where there is no program ``docker`` to ask."""
    try:
        done = proc.run(("docker", "context", "inspect", name), check=False, timeout_s=LIMIT_S)
    except ProcessFailure:
        return None
    if done.code != 0:
        said = done.stderr.strip().splitlines() or ["it says nothing"]
        raise EnvironmentFailure(
            f"Docker's context {name!r} cannot be read: {said[-1]}. Choose another: docker context"
            f" use default; or unset {NAME}."
        )
    return parse(name, done.stdout)


def parse(name: str, text: str) -> Context | None:
    """Parse the output of ``docker context inspect``; None where it names no address."""
    try:
        described: dict[str, Any] = json.loads(text)[0]
        address = str(described["Endpoints"]["docker"]["Host"] or "")
    except (ValueError, LookupError, TypeError):
        return None
    has_certificates = bool((described.get("TLSMaterial") or {}).get("docker"))
    place = (described.get("Storage") or {}).get("TLSPath")
    folder = (f"{place}/docker" if place else "FOLDER") if has_certificates else None
    return Context(name=name, address=address, certificates=folder) if address else None


def usable() -> Context | None:
    """Return :func:`chosen`, as Docker's library can use it.

    Raises :class:`EnvironmentFailure` for one with certificates, and says what does work.
    """
    context = chosen()
    if context is not None and context.certificates is not None:
        raise EnvironmentFailure(
            f"Docker's context {context.name!r} reaches the engine at {context.address} with"
            " certificates, which Twofold does not take from a context. Name engine and"
            f" certificates by variables: export {HOST}={context.address} DOCKER_TLS_VERIFY=1"
            f" DOCKER_CERT_PATH={context.certificates}"
        )
    return context
