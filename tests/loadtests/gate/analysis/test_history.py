"""What many merges add up to."""

from __future__ import annotations

import math

import pytest

from loadtests.gate.analysis import history, verdict
from loadtests.gate.model import GateResult, SideKind, SideName
from tests.loadtests.gate.builders import (
    MACHINE,
    make_evidence,
    make_facts,
    make_gate_plan,
    make_side,
)

PLAN = make_gate_plan()


def a_gate(change: float, gate_id: str = "gate-1") -> GateResult:
    head = make_side(SideName.HEAD, kind=SideKind.REF, commit=f"commit-{gate_id}")
    return verdict.conclude(
        make_facts(gate_id=gate_id),
        MACHINE,
        (make_side(SideName.BASE), head),
        PLAN,
        make_evidence(PLAN, change=math.log1p(change), sd=0.001),
    )


def merge(change: float, *, release: str | None = None, gate_id: str = "gate-1") -> history.Merge:
    return history.merge_of(a_gate(change, gate_id), release=release)


def test_ten_passes_of_two_per_cent_are_seen() -> None:
    merges = [merge(-0.02) for _ in range(10)]

    assert {str(each.verdict) for each in merges} == {"pass"}
    assert history.total(merges)["gthread throughput"] == pytest.approx(0.98**10 - 1)


def test_what_came_before_the_last_release_does_not_count() -> None:
    merges = [merge(-0.02), merge(-0.02, release="1.0"), merge(-0.01)]

    assert history.since_release(merges) == (merges[2],)
    assert history.since_release(merges[:1]) == (merges[0],)


def test_a_history_is_read_as_it_was_written() -> None:
    merges = (merge(-0.02, gate_id="gate-1"), merge(0.01, gate_id="gate-2", release="1.0"))

    assert history.read(list(map(history.line, merges))) == merges


def test_the_table_has_a_row_a_merge_and_a_column_a_metric() -> None:
    lines = history.table([merge(-0.02), merge(0.01, gate_id="gate-2")]).splitlines()

    assert lines[0].split(",")[:3] == ["time", "commit", "gthread_cpu_per_request"]
    assert [line.split(",")[1] for line in lines[1:]] == ["commit-gate-1", "commit-gate-2"]
    assert all(len(line.split(",")) == 7 for line in lines)
