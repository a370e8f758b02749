"""What many merges add up to."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from loadtests.gate.analysis import history, verdict
from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import GateVerdict, SideKind, SideName
from loadtests.model.tested.target import Target, TargetKind
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


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("shop:1.3", "shop"),
        ("registry.test:5000/team/shop:1.3", "registry.test:5000/team/shop"),
        ("registry.test:5000/team/shop", "registry.test:5000/team/shop"),
        ("shop@sha256:0a1b", "shop"),
    ],
)
def test_an_image_is_the_same_target_with_every_tag(given: str, name: str) -> None:
    tested = Target(kind=TargetKind.IMAGE, given=given, name="shop")
    gate = replace(a_gate(0.0), plan=replace(PLAN, tested=tested))

    assert history.merge_of(gate).target == name


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


def test_only_what_was_measured_alike_adds_up() -> None:
    cpu, io = merge(-0.02), replace(merge(-0.1), workload="io")
    shop = replace(merge(-0.05), target="shop:app")

    assert history.total([cpu, cpu])["gthread throughput"] == pytest.approx(0.98**2 - 1)
    total = history.total([cpu, io, io, shop])
    assert {name: total[name] for name in total if name.endswith("throughput")} == {
        "sample cpu gthread throughput": pytest.approx(-0.02),
        "sample io gthread throughput": pytest.approx(0.9**2 - 1),
        "shop:app cpu gthread throughput": pytest.approx(-0.05),
    }
    header = history.table([cpu, io]).splitlines()[0]
    assert "sample_cpu_gthread_throughput,sample_io_gthread_cpu_per_request" in header


@pytest.mark.parametrize("verdict", [GateVerdict.INCONCLUSIVE, GateVerdict.INVALID])
def test_what_a_gate_could_not_tell_does_not_count(verdict: GateVerdict) -> None:
    merges = [merge(-0.02), replace(merge(-0.3), verdict=verdict)]

    assert history.total(merges)["gthread throughput"] == pytest.approx(-0.02)
    assert history.decided(merges) == (merges[0],)
    rows = len(history.table(merges).splitlines()) - 1
    assert rows == (1 if verdict is GateVerdict.INVALID else 2)


def test_a_gate_that_continues_another_takes_its_place() -> None:
    first = merge(-0.02, gate_id="gate-1", release="1.0")
    other = merge(-0.01, gate_id="gate-2")
    more = history.merge_of(a_gate(-0.03, "gate-3"), continues="gate-1")
    again = history.merge_of(a_gate(-0.04, "gate-4"), continues="gate-3")

    read = history.read(list(map(history.line, (first, other, more, again))))

    assert read == (replace(again, release="1.0"), other)


def test_older_lines_without_a_workload_can_be_read() -> None:
    line = history.line(merge(-0.02))
    older = {
        name: value
        for name, value in json.loads(line).items()
        if name not in {"target", "workload", "continues"}
    }

    (read,) = history.read([json.dumps(older)])

    assert (read.target, read.workload, read.continues) == ("", "", None)
    assert history.total([read])["gthread throughput"] == pytest.approx(-0.02)
