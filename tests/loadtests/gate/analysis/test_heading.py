"""What a comparison is headed by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loadtests.gate.analysis import heading
from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.vocabulary import SideName
from loadtests.model.tested.in_force import UNDER_LOAD, InForce
from tests.loadtests.gate.builders import make_gate_plan

PLAN = make_gate_plan()


def in_force(**changed: Any) -> InForce:
    given: dict[str, Any] = {
        "worker": "gthread",
        "server": "gunicorn",
        "mode": "sync",
        "processes": 2,
        "threads": 1,
        "as_started": True,
    }
    return InForce(**{**given, **changed})


def evidence(base: InForce, head: InForce | None = None) -> Evidence:
    return Evidence(in_force={SideName.BASE: (base,), SideName.HEAD: (head or base,)})


def test_what_was_put_into_force_is_headed_by_its_name() -> None:
    seen = in_force(mode="gthread", processes=1, as_started=False)

    assert heading.heading(PLAN, evidence(seen), "gthread") == "gthread"


def test_a_gate_before_anything_was_seen_is_headed_by_its_name() -> None:
    assert heading.heading(PLAN, Evidence(), "gthread") == "gthread"


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (in_force(), "as started: gunicorn sync, 2 workers"),
        (in_force(processes=1), "as started: gunicorn sync, 1 worker"),
        (
            in_force(mode="gthread", processes=2, threads=4),
            "as started: gunicorn gthread, 2 workers, 4 threads in each",
        ),
        (in_force(server="waitress", mode=None, processes=1), "as started: waitress, 1 process"),
        (
            in_force(server=None, mode=None, processes=3),
            "as started: an unknown server, 3 processes",
        ),
    ],
)
def test_a_server_that_a_version_starts_itself_is_named_as_it_was_seen(
    seen: InForce, said: str
) -> None:
    assert heading.heading(PLAN, evidence(seen), "gthread") == said


def test_versions_that_are_served_otherwise_are_both_named_and_it_is_said() -> None:
    seen = evidence(in_force(), in_force(mode="gthread", processes=1, threads=8))

    assert heading.heading(PLAN, seen, "gthread") == (
        "as started: base gunicorn sync, 2 workers; head gunicorn gthread, 1 worker, 8 threads"
    )
    assert list(heading.remarks(PLAN, seen)) == [
        "Base is served by gunicorn sync, 2 workers, and head by gunicorn gthread, 1 worker, 8"
        " threads."
    ]


def test_two_variants_are_headed_by_both_and_their_difference_is_no_remark() -> None:
    plan = make_gate_plan(variants=("gthread", "sync"))
    seen = evidence(
        in_force(worker="gthread-to-sync"), in_force(worker="gthread-to-sync", mode="x")
    )

    assert plan.workers == ("gthread-to-sync",)
    assert heading.heading(plan, seen, "gthread-to-sync") == "gthread → sync"
    assert list(heading.remarks(plan, seen)) == []


def test_what_was_noticed_of_a_server_is_told_with_its_version() -> None:
    seen = evidence(replace(in_force(), notes=("5 worker processes are what cpu_count() gives.",)))

    assert list(heading.remarks(PLAN, seen)) == [
        f"{side}: 5 worker processes are what cpu_count() gives." for side in ("base", "head")
    ]


def test_threads_that_were_only_counted_make_no_difference() -> None:
    base = in_force(mode="gthread", threads=8, seen_by=UNDER_LOAD)
    seen = evidence(base, replace(base, threads=7))

    assert heading.heading(PLAN, seen, "gthread") == (
        "as started: gunicorn gthread, 2 workers, 8 threads in each"
    )
    assert list(heading.remarks(PLAN, seen)) == []
