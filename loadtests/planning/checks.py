"""One thing that ``doctor`` looked at, and what a backend needs. PURE."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from loadtests.model.machine import Machine


class State(StrEnum):
    """Whether a thing is there. ``warn``: a run is possible, but not every one."""

    OK = "ok"
    WARN = "warn"
    LACK = "lack"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at: what was found, and the way out where it is not right."""

    name: str
    state: State
    found: str
    way_out: str | None = None


@dataclass(frozen=True, kw_only=True)
class BackendChecks:
    """What a backend needs here; it cannot start where one of its checks lacks something.

    ``machine`` is the machine as the backend sees it, None where it cannot be asked. ``leftovers``
    names what runs that died have left.
    """

    name: str
    checks: tuple[Check, ...]
    machine: Machine | None
    leftovers: tuple[str, ...] = ()


def ok(name: str, what: str) -> Check:
    """Give the check of a thing that is there."""
    return Check(name=name, state=State.OK, found=what)


def warn(name: str, what: str, way_out: str) -> Check:
    """Give the check of a thing without which not every run is possible."""
    return Check(name=name, state=State.WARN, found=what, way_out=way_out)


def lack(name: str, what: str, way_out: str) -> Check:
    """Give the check of a thing without which no run is possible."""
    return Check(name=name, state=State.LACK, found=what, way_out=way_out)


def version(text: str) -> tuple[int, ...]:
    """Give a version's first two numbers."""
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])
