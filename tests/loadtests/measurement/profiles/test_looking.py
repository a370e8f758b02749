"""Looks at processes in turn, at a bounded rate."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

import pytest

from loadtests.measurement.profiles.looking import MOST_FAILURES, SILENT, Dump, Looking, Seen
from loadtests.model.errors import ProcessFailure
from loadtests.model.profiles.records import KernelWait, Waiting
from loadtests.tools import greenlets, py_spy
from loadtests.tools.procfs.threads import ThreadNow
from tests.loadtests.analysis.profiles.builders import FLASK, SITE, WAITING, frame

THREAD = py_spy.Thread(thread=8, frames=WAITING.frames, owns_gil=False)


def dump(pid: int) -> tuple[py_spy.Thread, ...]:
    return (THREAD,)


def a_wait(kind: Waiting, peer: str = "") -> Callable[[int], Mapping[int, ThreadNow]]:
    now = ThreadNow(thread=8, wait=KernelWait(kind=kind, peer=peer), mark="7 0x1")
    return lambda _: {8: now}


def looked(
    dump: Dump = dump,
    *,
    pids: tuple[int, ...] = (1,),
    threads: Callable[[int], Mapping[int, ThreadNow] | None] = lambda _: None,
    until: Callable[[Looking], bool] = lambda looking: len(looking.seen().looks) >= 6,
    application: str = "",
) -> Seen:
    """Look until there is enough, for 5 s at most."""
    processes = [(f"gthread-{pid}", pid) for pid in pids]
    looking = Looking(processes, dump, threads=threads, application=application, looks_per_s=500)
    looking.start()
    deadline_s = time.monotonic() + 5
    while not until(looking) and time.monotonic() < deadline_s:
        time.sleep(0.005)
    looking.stop()
    return looking.seen()


def test_processes_are_looked_at_in_turn() -> None:
    seen = looked(pids=(1, 2, 3))

    members = [look.member for look in seen.looks[:6]]
    assert members == ["gthread-1", "gthread-2", "gthread-3"] * 2
    assert seen.processes == 3


def test_a_decorator_around_the_package_that_is_served_makes_no_store_of_a_service() -> None:
    places = ("acme_guard/views.py", "peewee.py", "shop/views.py", "requests/api.py")
    frames = (*FLASK, *(frame(f"{SITE}/{place}:9", "call") for place in places))
    thread = py_spy.Thread(thread=8, frames=frames, owns_gil=False)

    seen = looked(
        lambda _: (thread,), threads=a_wait(Waiting.SOCKET, "10.0.0.3:8080"), application="shop"
    )

    assert [stack.kind for stack in seen.stacks] == [Waiting.SOCKET]


def test_a_stack_that_is_seen_again_is_kept_once() -> None:
    seen = looked()

    assert len(seen.stacks) == 1
    assert {look.stacks for look in seen.looks} == {(0,)}


def test_the_kernels_wait_and_its_peer_are_kept() -> None:
    seen = looked(threads=a_wait(Waiting.SOCKET, "10.0.0.2:5432"))

    assert (seen.stacks[0].kind, seen.stacks[0].peer) == (Waiting.STORE, "10.0.0.2:5432")


def test_without_the_kernels_word_a_wait_is_unknown() -> None:
    assert looked().stacks[0].kind is Waiting.UNKNOWN


def test_a_process_that_is_no_python_is_given_up_and_the_others_are_not() -> None:
    def only_two(pid: int) -> tuple[py_spy.Thread, ...]:
        if pid != 2:
            raise ProcessFailure("ended with code 1", output="Error: Failed to find python version")
        return (THREAD,)

    seen = looked(only_two, pids=(1, 2))

    assert seen.processes == 1
    assert {look.member for look in seen.looks} == {"gthread-2"}
    assert sum(seen.failures.values()) == MOST_FAILURES


def test_looking_ends_by_itself_where_nothing_can_be_read() -> None:
    def refused(pid: int) -> tuple[py_spy.Thread, ...]:
        raise ProcessFailure("ended with code 1", output="Permission Denied")

    seen = looked(
        refused, until=lambda looking: sum(looking.seen().failures.values()) >= MOST_FAILURES
    )

    assert seen.looks == ()
    assert seen.failures == {py_spy.NO_RIGHT: MOST_FAILURES}


def test_the_rate_is_bounded() -> None:
    looking = Looking([("gthread-1", 1)], dump, threads=lambda _: None, looks_per_s=20)
    looking.start()
    time.sleep(0.5)
    looking.stop()

    assert 2 <= len(looking.seen().looks) <= 12


def test_to_stop_what_never_began_does_no_harm() -> None:
    looking = Looking([("gthread-1", 1)], dump)

    looking.stop()
    looking.stop()

    assert looking.seen().looks == ()


def test_a_process_that_gave_no_stack_yet_failed_serves_no_requests() -> None:
    def only_two(pid: int) -> tuple[py_spy.Thread, ...]:
        if pid != 2:
            raise ProcessFailure("ended with code 1", output="Error: Failed to find python version")
        return (THREAD,)

    looking = Looking(
        [("gthread-1", 1), ("gthread-2", 2)], only_two, threads=lambda _: None, looks_per_s=20
    )
    looking.start()
    deadline_s = time.monotonic() + 5
    while not (looking.seen().looks and looking.seen().failures) and time.monotonic() < deadline_s:
        time.sleep(0.005)
    looking.stop()
    seen = looking.seen()

    assert 0 < sum(seen.failures.values()) < MOST_FAILURES
    assert seen.processes == 1


def test_a_helper_that_may_not_be_asked_is_looked_at_from_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(greenlets, "is_ready", lambda _: True)
    monkeypatch.setattr(os, "kill", refuse)

    seen = looked()

    assert not seen.helped
    assert seen.looks


def test_a_helper_that_wrote_nothing_serves_no_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greenlets, "ask", lambda _: True)
    monkeypatch.setattr(greenlets, "written", lambda _: ())

    seen = looked(until=lambda _: True)

    assert (seen.processes, seen.helped, seen.failures) == (0, False, {SILENT: 1})
