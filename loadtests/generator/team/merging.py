"""One answer of several machines' answers to the same trial."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.generator.examples import chosen
from loadtests.generator.samples import Samples, merge, pack, unpack
from loadtests.generator.team.clocks import Clock

SUMS = (
    "sent",
    "answered",
    "undrained",
    "dropped",
    "user_errors",
    "user_errors_in_window",
    "start_requests",
    "start_failed",
    "held_s",
    "workers",
    "lost_workers",
)
WORST = ("cpu_s", "lag_p99_ms", "lag_max_ms")
"""Fields of which the worst machine's counts: each has to keep up."""

MS = 1000.0


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one machine did in a trial: its last line, its samples, and its clock.

    ``error_s`` is how far off its clock may have been, and ``late_s`` how late it was at an edge of
    the window.
    """

    name: str
    finished: Mapping[str, Any]
    packed: bytes
    clock: Clock
    error_s: float
    late_s: float

    @property
    def samples(self) -> Samples:
        """The samples; their times count from the window's opening, which is common to all."""
        return Samples(
            columns=unpack(self.packed),
            replicas=tuple(self.finished["replicas"]),
            names=tuple(self.finished["names"]),
            redirects=self.finished.get("redirects") or {},
            examples=tuple(self.finished.get("examples") or ()),
        )


def merged(
    parts: Sequence[Part], edges: Mapping[str, float], *, lost: int
) -> tuple[dict[str, Any], bytes]:
    """Return the fields of ``finished`` for all machines, and the packed samples.

    ``edges`` are the common moments, and ``lost`` the processes of machines that did not finish.
    """
    samples = merge([part.samples for part in parts])
    errors = [part.finished.get("user_error") for part in parts]
    fields: dict[str, Any] = {
        **edges,
        "drained_at_s": max(part.clock.ours(part.finished["drained_at_s"]) for part in parts),
        "outcomes": parts[0].finished["outcomes"],
        "replicas": samples.replicas,
        "names": samples.names,
        "redirects": samples.redirects,
        "examples": chosen(samples.examples),
        "user_error": next((error for error in errors if error), None),
        **{name: sum(part.finished.get(name) or 0 for part in parts) for name in SUMS},
        **{name: max(part.finished[name] for part in parts) for name in WORST},
    }
    fields["workers"] += lost
    fields["lost_workers"] += lost
    return fields | of_clocks(parts), pack(samples.columns)


def of_clocks(parts: Sequence[Part]) -> dict[str, Any]:
    """Return what is told of the machines' clocks, in milliseconds."""
    return {
        "clock_offset_ms": round(max(abs(part.clock.offset_s) for part in parts) * MS, 3),
        "clock_error_ms": round(max(part.error_s for part in parts) * MS, 3),
        "late_ms": round(max(part.late_s for part in parts) * MS, 3),
        "machines": [
            {
                "name": part.name,
                "clock_offset_ms": round(part.clock.offset_s * MS, 3),
                "clock_error_ms": round(part.error_s * MS, 3),
                "late_ms": round(part.late_s * MS, 3),
                "cpu_s": part.finished["cpu_s"],
                "lag_p99_ms": part.finished["lag_p99_ms"],
                "sent": part.finished["sent"],
            }
            for part in parts
        ],
    }


def lines_of(packed: bytes, part_bytes: int) -> list[str]:
    """Return packed samples in base64, in parts of at most so many bytes."""
    starts = range(0, len(packed), part_bytes)
    return [base64.b64encode(packed[at : at + part_bytes]).decode() for at in starts]
