"""Trials on machines in memory, which answer as the protocol says."""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from loadtests.generator.clock import now_s
from loadtests.generator.samples import pack, unpack
from loadtests.generator.team import merging
from loadtests.generator.team.folders import Folders
from loadtests.generator.team.handshake import Unusable
from loadtests.generator.team.link import Lost, Refusal
from loadtests.generator.team.team import Member, Team

ORDER = {"id": "t", "settle_s": 0.05, "window_s": 0.1, "drain_limit_s": 0.1}
KINDS = {"status": np.int16, "outcome": np.int16, "replica": np.int16, "name": np.int16}


def packed(*due_us: int) -> bytes:
    times = np.array(due_us, dtype=np.int64)
    columns = dict.fromkeys(("due_us", "sent_us", "done_us"), times)
    columns |= {name: np.zeros(len(due_us), dtype=kind) for name, kind in KINDS.items()}
    return pack({**columns, "bytes": np.zeros(len(due_us), dtype=np.int32)})


class FakeLink:
    """A machine whose clock shows ``offset_s`` more; ``late_s`` after the edges it says so."""

    def __init__(
        self,
        name: str = "one",
        *,
        offset_s: float = 0.0,
        late_s: float = 0.0,
        fails: Exception | None = None,
        replica: str = "a",
        due_us: tuple[int, ...] = (0,),
    ) -> None:
        self.name = name
        self.offset_s = offset_s
        self.late_s = late_s
        self.fails = fails
        self.replica = replica
        self.due_us = due_us
        self.orders: list[dict[str, Any]] = []
        self.closed = False
        self.has_ended = False
        self._answers: list[dict[str, Any]] = []

    def say(self, order: dict[str, Any]) -> None:
        self.orders.append(order)
        handler: Callable[[dict[str, Any]], None] = getattr(self, f"_{order['op']}")
        handler(order)

    def _clock(self, _order: dict[str, Any]) -> None:
        at_s = now_s() + self.offset_s
        self._answers.append({"event": "clock", "received_s": at_s, "answered_s": at_s})

    def _prepare(self, _order: dict[str, Any]) -> None:
        self._answers += [{"event": "starting", "ready": 1, "users": 2}, {"event": "prepared"}]

    def _place(self, order: dict[str, Any]) -> None:
        there = order.get("data") is not None and order["part"] == order["parts"]
        folder = f"/tmp/{self.name}" if there else None
        self._answers.append({"event": "placed", "folder": folder})

    def _trial(self, order: dict[str, Any]) -> None:
        opens_s = order["starts_at_s"] + order["settle_s"]
        closes_s = opens_s + order["window_s"]
        self._answers += [
            {"event": "opened", "at_s": opens_s + self.late_s},
            {"event": "closed", "at_s": closes_s + self.late_s},
            {"event": "samples", "data": base64.b64encode(packed(*self.due_us)).decode()},
            {"event": "finished", **finished(self.replica), "drained_at_s": closes_s + 0.1},
        ]

    def hear(self, _limit_s: float, *events: str) -> tuple[float, dict[str, Any]]:
        if self.fails is not None and "clock" not in events:
            raise self.fails
        event = self._answers.pop(0)
        assert event["event"] in events
        return now_s(), event

    def close(self) -> None:
        self.closed = True


def finished(replica: str) -> dict[str, Any]:
    counts = dict.fromkeys(merging.SUMS, 0)
    return {
        **counts,
        "sent": 1,
        "workers": 1,
        "cpu_s": 0.1,
        "lag_p99_ms": 1.0,
        "lag_max_ms": 2.0,
        "outcomes": ["ok"],
        "replicas": [replica],
        "names": ["/cpu"],
        "redirects": {replica: 2},
        "examples": [],
        "user_error": None,
    }


def a_team(*links: FakeLink) -> Team:
    def opened(which: FakeLink) -> Member:
        return Member(name=which.name, open=lambda: which, link=which)  # type: ignore[arg-type,return-value]

    return Team([opened(each) for each in links])


def run(*links: FakeLink) -> tuple[dict[str, Any], list[str]]:
    """Run a trial; return the fields of ``finished``, and which machines were lost."""
    parts, window, lost = a_team(*links).run([ORDER] * len(links), lambda *_: None)
    fields, samples = merging.merged(parts, {"opened_at_s": window.opens_s}, lost=len(lost))
    return {**fields, "samples": samples}, [member.name for member in lost]


def test_a_shifted_clock_gets_its_own_start_and_is_corrected() -> None:
    right, ahead = FakeLink("right"), FakeLink("ahead", offset_s=5.0)

    fields, lost = run(right, ahead)

    starts = [link.orders[-9]["starts_at_s"] for link in (right, ahead)]
    assert starts[1] - starts[0] == pytest.approx(5.0, abs=0.01)
    assert fields["clock_offset_ms"] == pytest.approx(5000, abs=10)
    assert fields["clock_error_ms"] < 10
    assert fields["late_ms"] < 10
    assert fields["drained_at_s"] == pytest.approx(fields["opened_at_s"] + 0.2, abs=0.01)
    assert lost == []


def test_a_clock_that_drifts_in_a_trial_makes_its_correction_uncertain() -> None:
    drifting = FakeLink("drifting")
    heard = drifting.hear

    def hear(_limit_s: float, *events: str) -> tuple[float, dict[str, Any]]:
        if "finished" in events:
            drifting.offset_s = 0.5
        return heard(_limit_s, *events)

    drifting.hear = hear  # type: ignore[method-assign]
    fields, _ = run(FakeLink("right"), drifting)

    assert fields["clock_error_ms"] == pytest.approx(500, abs=20)


def test_a_machine_that_notices_an_edge_late_is_told() -> None:
    fields, _ = run(FakeLink("right"), FakeLink("late", late_s=0.3))

    assert fields["late_ms"] == pytest.approx(300, abs=10)
    assert [machine["name"] for machine in fields["machines"]] == ["right", "late"]


def test_a_lost_machine_is_counted_and_dropped_and_the_others_go_on() -> None:
    gone = FakeLink("gone", fails=Lost("gone"))

    fields, lost = run(FakeLink("right"), gone)

    assert lost == ["gone"]
    assert gone.closed
    assert (fields["workers"], fields["lost_workers"], fields["sent"]) == (2, 1, 1)


def test_where_all_are_lost_there_is_no_trial() -> None:
    with pytest.raises(Lost):
        run(FakeLink("gone", fails=Lost("gone")))


def test_what_one_machine_refuses_nobody_runs() -> None:
    with pytest.raises(Refusal, match="no such scenario"):
        run(FakeLink("right"), FakeLink("other", fails=Refusal("scenario", "no such scenario")))


def test_samples_are_merged_in_the_order_of_time_with_common_tables() -> None:
    fields, _ = run(
        FakeLink("one", replica="a", due_us=(10, 30)), FakeLink("two", replica="b", due_us=(20,))
    )

    columns = unpack(fields["samples"])
    assert columns["due_us"].tolist() == [10, 20, 30]
    assert [fields["replicas"][index] for index in columns["replica"]] == ["a", "b", "a"]
    assert fields["redirects"] == {"a": 2, "b": 2}


def test_users_who_start_are_counted_over_all_machines() -> None:
    told: list[tuple[int, int]] = []
    links = (FakeLink("one"), FakeLink("two"))

    a_team(*links).prepare([ORDER, ORDER], lambda ready, users: told.append((ready, users)))

    assert [link.orders[-1]["op"] for link in links] == ["prepare", "prepare"]


def test_a_machine_that_is_lost_before_a_trial_is_lost_in_it() -> None:
    gone = FakeLink("gone", fails=Lost("gone"))
    team = a_team(FakeLink("right"), gone)

    team.prepare([ORDER, ORDER], lambda *_: None)
    parts, _, lost = team.run([ORDER, ORDER], lambda *_: None)

    assert [part.name for part in parts] == ["right"]
    assert [member.name for member in lost] == ["gone"]


def test_a_machine_that_does_not_come_back_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.generator.team.team.RETURN_LIMIT_S", 0.0)

    def refuse() -> Any:
        raise Unusable("No generator answers at 10.0.0.9:1")

    team = Team([Member(name="10.0.0.9:1", open=refuse)])

    with pytest.raises(Unusable, match=r"10\.0\.0\.9:1"):
        team.complete()


def test_a_folder_has_the_path_of_each_machine_in_its_orders() -> None:
    team = a_team(FakeLink("one"), FakeLink("two"))
    folders = Folders(team)
    sent = {"op": "place", "folder": "/home/me/load", "part": 1, "parts": 1, "data": "eA=="}

    assert folders.place({"op": "place", "folder": "/home/me/load"}) is None
    known = folders.place(sent)

    assert known == "/tmp/one"
    order = {"op": "trial", "locustfile": {"path": "/tmp/one/file.py", "tags": ["a"]}, "users": 3}
    assert folders.of(team.members[0], order) == order
    assert folders.of(team.members[1], order) == {
        **order,
        "locustfile": {"path": "/tmp/two/file.py", "tags": ["a"]},
    }


def test_a_machine_that_came_back_gets_the_folders_again() -> None:
    team = a_team(FakeLink("one"), FakeLink("two"))
    folders = Folders(team)
    folders.place({"op": "place", "folder": "load", "part": 1, "parts": 1, "data": "eA=="})
    again = FakeLink("three")
    team.members[1].link = again  # type: ignore[assignment]

    folders.give(team.members[1])

    assert again.orders[-1]["data"] == "eA=="
    order = {"path": "/tmp/one/f"}
    assert folders.of(team.members[1], order) == {"path": "/tmp/three/f"}
