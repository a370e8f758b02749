"""The profile trials of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import pytest

from loadtests.measurement.profiles import trials
from loadtests.measurement.profiles.beside import Beside
from loadtests.measurement.profiles.looking import Looking, Seen
from loadtests.model.errors import GeneratorFailure, UnusableLoad
from loadtests.model.plan import Cell, Plan, Timing, TrialSpec
from loadtests.model.profiles.planned import ProfilePlan
from loadtests.model.profiles.records import LOCAL_SOCKET, CellProfile, Frame, Stack, Waiting
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.trial import Trial
from loadtests.tools import procfs, py_spy
from tests.loadtests.builders import make_cell, make_plan, make_spec, make_trial, make_worker
from tests.loadtests.fakes import FakeStack, World

PLANNED = ProfilePlan(replica_counts=(1, 4), window_s=2.0, series_most=3, expected_s=10.0)
NOTHING_SEEN = Seen(stacks=(), looks=(), failures={}, processes=0, looking_s=0.0, span_s=2.0)


class Local(FakeStack):
    """A stack on this machine whose processes cannot be listed."""

    host_cores = (0, 1)  # type: ignore[assignment]  # the fake's own has none

    def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
        return ()


def profiles(
    plan: Plan,
    stack: FakeStack,
    planned: ProfilePlan = PLANNED,
    gains: Callable[[str, str], float] = lambda *_: 1.0,
) -> tuple[CellProfile, ...]:
    def load(spec: TrialSpec, timing: Timing, beside: Beside) -> Trial:
        return make_trial(spec=spec)

    return trials.measure(plan, planned, stack, load, gains=gains, say=lambda _: None)


def test_replicas_on_another_machine_are_said_to_be_out_of_sight() -> None:
    plan = make_plan()

    told = profiles(plan, FakeStack(World(), plan))

    assert [profile.cell for profile in told] == [make_cell(replicas=n) for n in (1, 4)]
    assert {profile.unseen for profile in told} == {trials.ELSEWHERE}


def test_without_py_spy_the_way_to_get_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(py_spy, "find_program", lambda: None)
    plan = make_plan()

    assert profiles(plan, Local(World(), plan))[0].unseen == py_spy.MISSING


def test_processes_that_cannot_be_listed_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(py_spy, "find_program", lambda: "/bin/py-spy")
    plan = make_plan()

    assert profiles(plan, Local(World(), plan))[0].unseen == trials.NO_PROCESSES


def test_where_time_is_short_the_series_that_gain_least_come_first() -> None:
    plan = make_plan(workers=("gthread", "sync", "gevent"))
    gains = {"gthread": 0.9, "sync": 0.5, "gevent": 1.0}

    told = profiles(
        plan,
        FakeStack(World(), plan),
        replace(PLANNED, series_most=1),
        gains=lambda worker, _: gains[worker],
    )

    assert {profile.cell.worker for profile in told} == {"sync"}


def test_a_profile_trial_that_fails_does_not_fail_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Listed(Local):
        def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
            return (ServerProcess(pid=2**30, parent=1, threads=1, command="gunicorn"),)

    def load(spec: TrialSpec, timing: Timing, beside: Beside) -> Trial:
        raise GeneratorFailure("The generator failed.")

    monkeypatch.setattr(py_spy, "find_program", lambda: "/bin/py-spy")
    plan = make_plan()

    told = trials.measure(
        plan,
        PLANNED,
        Listed(World(), plan),
        load,
        gains=lambda *_: 1.0,
        say=lambda _: None,
    )

    assert told[0].unseen == "The profile trial failed: The generator failed."


def test_the_process_that_only_watches_its_children_is_not_looked_at() -> None:
    first = ServerProcess(pid=1, parent=0, threads=1, command="gunicorn: master")
    workers = [
        ServerProcess(pid=n, parent=1, threads=4, command="gunicorn: worker") for n in (2, 3)
    ]

    assert list(trials.serving([first, *workers], "gunicorn")) == workers
    assert list(trials.serving([first, *workers], "waitress")) == [first, *workers]
    assert list(trials.serving([first], "gunicorn")) == [first]


@pytest.mark.parametrize("server", ["gunicorn", "waitress"])
def test_the_init_program_of_a_container_is_not_looked_at(server: str) -> None:
    init = ServerProcess(pid=1, parent=0, threads=1, command="/sbin/docker-init -- gunicorn")
    master = ServerProcess(pid=2, parent=1, threads=1, command="gunicorn: master")
    worker = ServerProcess(pid=3, parent=2, threads=4, command="gunicorn: worker")

    seen = list(trials.serving([init, master, worker], server))

    assert seen == ([worker] if server == "gunicorn" else [master, worker])


def test_a_cells_profile_runs_on_its_first_port() -> None:
    plan = make_plan()
    cell = Cell(worker="gthread", workload="cpu", replicas=2)

    spec = trials.spec_of(plan, cell)

    assert spec.cell == cell
    assert (spec.port, cell.worker, spec.members) in {
        (upstream.port, upstream.worker, upstream.members) for upstream in plan.upstreams
    }
    assert len(spec.members) == 2


def test_of_greenlets_it_is_told_what_cannot_be_seen() -> None:
    trial = make_trial(spec=make_spec(cell=make_cell(worker="gevent")))

    profile = trials.profile_of(trial, make_worker("gevent"), NOTHING_SEEN)

    assert profile.note == trials.GREENLETS
    assert profile.unseen == "No look gave a stack."


def test_the_rate_of_a_profile_counts_requests_that_failed() -> None:
    trial = make_trial(throughput_rps=20.0, window_s=2.0, failed=60)

    profile = trials.profile_of(trial, make_worker("sync"), NOTHING_SEEN)

    assert (profile.throughput_rps, profile.rate_rps) == (20.0, 50.0)
    assert replace(profile, ended_rps=None).rate_rps == 20.0  # as older profiles have it


def test_the_most_frequent_reason_is_told_where_no_look_gave_anything() -> None:
    seen = replace(NOTHING_SEEN, failures={"Rare.": 1, "Often.": 9})

    assert trials.profile_of(make_trial(), make_worker("sync"), seen).unseen == "Often."


@pytest.mark.parametrize("error", [PermissionError("No."), ValueError("No."), UnusableLoad("No.")])
def test_a_set_up_that_fails_does_not_fail_the_run(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Broken(Local):
        def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
            raise error

    monkeypatch.setattr(py_spy, "find_program", lambda: "/bin/py-spy")
    plan = make_plan()

    told = profiles(plan, Broken(World(), plan))

    assert {profile.unseen for profile in told} == {"The profile trial failed: No."}


def test_why_nothing_is_told_of_a_store_is_in_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    class Listed(Local):
        def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
            return (ServerProcess(pid=2**30, parent=1, threads=1, command="gunicorn"),)

    variables = {"DATABASE_URL": "postgresql://prod/shop", "CACHE": "redis://cache"}
    monkeypatch.setattr(py_spy, "find_program", lambda: "/bin/py-spy")
    monkeypatch.setattr(procfs, "environment_of", lambda _: variables)
    plan = make_plan()

    told = profiles(plan, Listed(World(), plan))

    assert told[0].store is None
    assert "Redis" in told[0].store_note


def test_looks_know_the_store_that_the_replicas_variables_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Listed(Local):
        def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
            return (ServerProcess(pid=2**30, parent=1, threads=1, command="gunicorn"),)

    class Watching(Looking):
        def __init__(
            self, processes: Any, dump: Any, *, stores: Collection[str], application: str
        ) -> None:
            known.append(tuple(stores))
            super().__init__(processes, dump, stores=stores, application=application)

    known: list[tuple[str, ...]] = []
    variables = {"DATABASE_URL": "postgresql://app@db:6543/x", "DSN": "dbname=shop"}
    monkeypatch.setattr(py_spy, "find_program", lambda: "/bin/py-spy")
    monkeypatch.setattr(procfs, "environment_of", lambda _: variables)
    monkeypatch.setattr(trials, "Looking", Watching)
    plan = make_plan()

    profiles(plan, Listed(World(), plan))

    assert known[0] == ("db:6543", ":6543", LOCAL_SOCKET)


def test_variables_that_cannot_be_read_are_those_of_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Listed(Local):
        def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
            return (ServerProcess(pid=2**30, parent=1, threads=1, command="gunicorn"),)

        def variables_of(self, member: str) -> dict[str, str]:
            return {"CACHE": f"redis://{member}"}

    monkeypatch.setattr(py_spy, "find_program", lambda: "/bin/py-spy")
    plan = make_plan()

    assert "Redis" in profiles(plan, Listed(World(), plan))[0].store_note


@pytest.mark.parametrize(
    ("variables", "address"),
    [({}, "db (MySQL)"), ({"DATABASE_URL": "postgresql://pg/shop"}, None)],
)
def test_the_mysql_of_the_stack_is_asked_where_no_postgresql_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], address: str | None
) -> None:
    class Asking(Local):
        def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
            return (ServerProcess(pid=2**30, parent=1, threads=1, command="gunicorn"),)

        def askable_stores(self) -> tuple[str, ...]:
            return ("db",)

        def sessions_of(self, member: str) -> list[tuple[str, str, str]]:
            return [("Lock", "tuple", "UPDATE stock SET n = 1")]

    def load(spec: TrialSpec, timing: Timing, beside: Beside) -> Trial:
        beside.start()
        time.sleep(0.05)
        return make_trial(spec=spec)

    monkeypatch.setattr(py_spy, "find_program", lambda: "/bin/py-spy")
    monkeypatch.setattr(procfs, "environment_of", lambda _: variables)
    plan = make_plan()

    told = trials.measure(
        plan,
        replace(PLANNED, replica_counts=(1,), series_most=1),
        Asking(World(), plan),
        load,
        gains=lambda *_: 1.0,
        say=lambda _: None,
    )

    assert (told[0].store.address if told[0].store else None) == address


@pytest.mark.parametrize(
    ("file", "note"),
    [
        ("/venv/lib/python3.11/site-packages/gevent/hub.py", trials.GREENLETS),
        ("/venv/lib/python3.11/site-packages/eventlet/hubs/hub.py", trials.EVENT_LOOP),
        ("/usr/lib/python3.11/threading.py", ""),
    ],
)
def test_a_worker_that_is_in_no_list_is_known_by_its_stacks(file: str, note: str) -> None:
    stack = Stack(frames=(Frame(file=file, line=1, name="run"),), kind=Waiting.CPU)
    seen = replace(NOTHING_SEEN, stacks=(stack,))
    worker = make_worker("geventwebsocket.gunicorn.workers.GeventWebSocketWorker")

    assert trials.profile_of(make_trial(), worker, seen).note == note
    assert trials.profile_of(make_trial(), worker, replace(seen, helped=True)).note == ""


def test_a_server_whose_loop_is_no_python_is_known_by_its_command() -> None:
    profile = trials.profile_of(
        make_trial(), make_worker("uwsgi-threads"), NOTHING_SEEN, ["uwsgi --async 50"]
    )

    assert profile.note == trials.EVENT_LOOP


def test_a_worker_without_slots_has_none_in_its_profile() -> None:
    assert trials.profile_of(make_trial(), make_worker("gthread"), NOTHING_SEEN).has_slots
    assert not trials.profile_of(make_trial(), make_worker("gevent"), NOTHING_SEEN).has_slots


def test_the_window_is_as_long_as_the_cells_requests_need(monkeypatch: pytest.MonkeyPatch) -> None:
    class Listed(Local):
        def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
            return (ServerProcess(pid=2**30, parent=1, threads=1, command="gunicorn"),)

    timings: dict[int, Timing] = {}

    def load(spec: TrialSpec, timing: Timing, beside: Beside) -> Trial:
        timings[spec.cell.replicas] = timing
        return make_trial(spec=spec)

    monkeypatch.setattr(py_spy, "find_program", lambda: "/bin/py-spy")
    plan = make_plan()

    trials.measure(
        plan,
        replace(PLANNED, series_most=1),
        Listed(World(), plan),
        load,
        gains=lambda *_: 1.0,
        answer_s=lambda cell: 3.0 if cell.replicas == 4 else 0.01,
        say=lambda _: None,
    )

    assert (timings[1].settle_s, timings[1].window_s) == (0.6, 2.0)
    assert timings[4].window_s == pytest.approx(6.0)


def test_of_uvicorn_the_first_process_may_serve_and_pythons_own_does_not() -> None:
    of_python = "python -c from multiprocessing.resource_tracker import main;main(4)"
    commands = ("python -m uvicorn shop:app", of_python, "python -c spawn_main(5)")
    first, tracker, other = (
        ServerProcess(pid=pid, parent=1, threads=1, command=words)
        for pid, words in enumerate(commands, 1)
    )
    assert list(trials.serving([first, tracker, other], "uvicorn")) == [first, other]
