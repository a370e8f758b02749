"""What is seen to serve each version, and what follows from it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.tested import serving
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.tested.target import Target, TargetKind
from loadtests.servers import idle_connections
from loadtests.targets import plain
from loadtests.tools import proc
from tests.loadtests.fakes.gate import FakeGateStack, GateWorld, gunicorn_log
from tests.loadtests.gate.builders import make_gate_plan
from tests.loadtests.servers.captured import LOGS

IMAGE = Target(kind=TargetKind.IMAGE, given="shop:1", name="shop:1", image="shop:1")
APPLICATION = Target(
    kind=TargetKind.IMPORT_STRING, given="shop:app", name="shop:app", application="shop:app"
)


def seen_in(world: GateWorld, plan: GatePlan, worker: str = "gthread") -> serving.Serving:
    stack = FakeGateStack(world, plan, worker)
    stack.grow(4)
    return serving.see(stack, plan, worker)


def plan_of(target: Target, worker: str) -> GatePlan:
    return make_gate_plan(project=plain.project(target), workers=(worker,), workload="/")


def test_the_sample_runs_what_it_was_told_to_and_has_its_slots() -> None:
    seen = seen_in(GateWorld(), make_gate_plan())

    assert {side: entry.as_started for side, entry in seen.seen.items()} == {
        SideName.BASE: False,
        SideName.HEAD: False,
    }
    assert seen.slots == 4
    assert seen.idle == {}


def test_an_image_that_ignores_what_it_was_told_is_measured_as_it_starts() -> None:
    logs = dict.fromkeys(SideName, gunicorn_log("sync", 2))
    seen = seen_in(GateWorld(logs=logs), make_gate_plan())

    base = seen.seen[SideName.BASE]
    assert (base.as_started, base.mode, base.processes, base.slots) == (True, "sync", 2, 2)
    assert seen.slots == 2
    assert seen.processes_of(SideName.HEAD) == 2


def test_another_number_of_processes_is_not_what_was_asked_for() -> None:
    seen = seen_in(
        GateWorld(logs=dict.fromkeys(SideName, gunicorn_log("gthread", 3))), make_gate_plan()
    )

    assert seen.seen[SideName.BASE].as_started


def test_of_a_server_that_nobody_knows_nothing_is_claimed() -> None:
    seen = seen_in(GateWorld(logs=dict.fromkeys(SideName, "serving")), make_gate_plan())

    base = seen.seen[SideName.BASE]
    assert (base.server, base.mode, base.slots, base.as_started) == (None, None, None, True)


def test_the_proxy_keeps_what_the_servers_seem_to_allow() -> None:
    asked = []

    def probe(_: str, text: str) -> str:
        asked.append(json.loads(text))
        closing = {"opened": 300, "answered": 300, "closed_after_s": 2.0, "watched_s": 5.0}
        return json.dumps({"base": closing, "head": {**closing, "answered": 90}})

    logs = dict.fromkeys(SideName, gunicorn_log("gthread", 2))
    seen = seen_in(GateWorld(logs=logs, run_module=probe), make_gate_plan())

    assert asked[0]["replicas"] == {"base": "10.1.0.1:8000", "head": "10.1.1.1:8000"}
    assert seen.idle == {
        SideName.HEAD: idle_connections.ONE_EACH
    }  # base keeps them for long enough


UWSGI = (
    ServerProcess(pid=1, parent=0, threads=1, command="uwsgi --http-socket 127.0.0.1:8000"),
    ServerProcess(pid=2, parent=1, threads=4, command="uwsgi --http-socket 127.0.0.1:8000"),
)


def test_the_proxy_keeps_no_connection_to_a_uwsgi_that_we_start() -> None:
    logs = dict.fromkeys(SideName, (LOGS / "uwsgi-threads.txt").read_text())
    world = GateWorld(logs=logs, processes=lambda _: UWSGI)

    seen = seen_in(world, plan_of(APPLICATION, "uwsgi-threads"), "uwsgi-threads")

    assert seen.idle == dict.fromkeys(SideName, idle_connections.ONE_EACH)


@pytest.mark.parametrize(
    ("process", "python"),
    [
        (ServerProcess(pid=1, parent=0, threads=1, command="pypy3 -m gunicorn shop:app"), "PyPy"),
        (
            ServerProcess(pid=1, parent=0, threads=1, command="python", implementation="PyPy"),
            "PyPy",
        ),
        (ServerProcess(pid=1, parent=0, threads=1, command="python -m gunicorn shop:app"), None),
    ],
)
def test_a_python_that_compiles_as_it_runs_is_seen(
    process: ServerProcess, python: str | None
) -> None:
    world = GateWorld(processes=lambda _: (process,))

    seen = seen_in(world, plan_of(IMAGE, "gthread"))

    assert {entry.python for entry in seen.seen.values()} == {python}


def test_a_mode_that_was_put_into_force_in_an_image_keeps_its_name() -> None:
    seen = seen_in(GateWorld(), plan_of(IMAGE, "sync"), "sync")

    assert not seen.seen[SideName.HEAD].as_started


def test_workers_of_an_image_that_still_start_are_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proc, "sleep", lambda _: None)
    world, looks = GateWorld(), iter([1, 2, 4, 4])
    plan = plan_of(IMAGE, "sync")
    stack = FakeGateStack(world, plan, "sync")
    stack.grow(4)
    monkeypatch.setattr(stack, "first_log", lambda _: gunicorn_log("sync", next(looks)))

    seen = serving.see(stack, plan, "sync").seen

    assert [(entry.as_started, entry.processes) for entry in seen.values()] == [(False, 4)] * 2


def test_an_image_is_named_as_started_where_that_is_what_is_measured() -> None:
    seen = seen_in(
        GateWorld(logs=dict.fromkeys(SideName, gunicorn_log("gevent", 1))),
        plan_of(IMAGE, plain.AS_STARTED),
        plain.AS_STARTED,
    )

    assert seen.seen[SideName.BASE].as_started
    assert seen.slots is None


def test_an_application_that_we_start_has_to_run_what_was_asked_for() -> None:
    world = GateWorld(logs={SideName.HEAD: gunicorn_log("sync", 1)})

    with pytest.raises(EnvironmentFailure, match="gthread of head was to be gunicorn with gthread"):
        seen_in(world, plan_of(APPLICATION, "gthread"))


WAITRESS = (ServerProcess(pid=1, parent=0, threads=5, command="waitress-serve shop:app"),)


@pytest.mark.parametrize(
    ("world", "seen"),
    [
        (
            GateWorld(logs=dict.fromkeys(SideName, ""), processes=lambda _: WAITRESS),
            "base was to run gthread, and what was seen is waitress threads, 1 process, 4 threads;"
            " head was to run sync, and what was seen is waitress",
        ),
        (
            GateWorld(logs=dict.fromkeys(SideName, gunicorn_log("gthread", 1))),
            "force: head was to run sync, and what was seen is gunicorn gthread, 1 worker",
        ),
    ],
    ids=["neither", "one"],
)
def test_two_variants_are_not_compared_where_an_image_does_not_obey(
    world: GateWorld, seen: str
) -> None:
    project = plain.project(IMAGE)
    plan = make_gate_plan(project=project, variants=("gthread", "sync"), workload="/")

    with pytest.raises(EnvironmentFailure, match=seen):
        seen_in(world, plan, plan.workers[0])


def test_an_image_as_it_starts_is_compared_with_a_variant_that_is_in_force() -> None:
    project = plain.project(IMAGE)
    plan = make_gate_plan(project=project, variants=(plain.AS_STARTED, "sync"), workload="/")
    logs = {SideName.BASE: gunicorn_log("gthread", 2)}

    seen = seen_in(GateWorld(logs=logs), plan, plan.workers[0]).seen

    assert [entry.as_started for entry in seen.values()] == [True, False]


def test_threads_of_gthread_are_counted_after_the_load() -> None:
    logs = dict.fromkeys(SideName, gunicorn_log("gthread", 2))
    command = "gunicorn shop:app"
    processes = (
        ServerProcess(pid=1, parent=0, threads=1, command=command),
        ServerProcess(pid=7, parent=1, threads=9, command=command),
        ServerProcess(pid=8, parent=1, threads=9, command=command),
    )
    world = GateWorld(logs=logs, processes=lambda _: processes)
    plan = make_gate_plan()
    stack = FakeGateStack(world, plan)
    stack.grow(4)

    after = serving.after_load(stack, serving.see(stack, plan, "gthread"))

    assert (after.seen[SideName.BASE].threads, after.slots) == (8, 16)
    assert after.seen[SideName.HEAD].threads == 8


def test_what_was_seen_is_in_the_evidence_once_a_name() -> None:
    seen = seen_in(GateWorld(), make_gate_plan())
    later = replace(
        seen, seen={side: replace(entry, threads=4) for side, entry in seen.seen.items()}
    )

    evidence = serving.kept(serving.kept(Evidence(), seen), later)

    assert [entry.threads for entry in evidence.in_force[SideName.BASE]] == [4]
