from typing import Any

import pytest

from loadtests.model.machine_facts import (
    Engine,
    EngineState,
    MachineFacts,
    Nginx,
    Postgres,
    ProcessesFacts,
)
from loadtests.planning import compose_check, processes_check
from loadtests.planning.checks import BackendChecks, Check, State
from loadtests.planning.machine_check import (
    BackendView,
    DoctorReport,
    ServerView,
    WorkloadView,
    examine,
)
from loadtests.report.text import doctor
from loadtests.servers.registry import SERVERS
from tests.loadtests.builders import make_machine

GOOD_ENGINE = Engine(
    state=EngineState.ANSWERS,
    detail="20.10.24+dfsg1",
    compose_version="1.29.2",
    machine=make_machine(),
)


PROCESSES_FACTS: dict[str, Any] = {
    "machine": make_machine(),
    "budgets": "control groups (version 2)",
    "nginx": Nginx(path="/usr/sbin/nginx", version="1.26.3", counts=True),
    "missing_modules": (),
    "taken_ports": (),
    "postgres": Postgres(path="/usr/lib/postgresql/17/bin", version="17.6"),
}
MACHINE_FACTS: dict[str, Any] = {
    "machine": make_machine(),
    "results": "results",
    "results_error": None,
    "free_bytes": 10**10,
    "free_where": "/tmp",
}


def report_on(
    *, engine: Engine = GOOD_ENGINE, leftovers: tuple[str, ...] = (), **fields: Any
) -> DoctorReport:
    """Give the report on a machine that has everything, but for these fields."""

    def of(defaults: dict[str, Any]) -> dict[str, Any]:
        return defaults | {name: fields[name] for name in defaults if name in fields}

    processes = ProcessesFacts(**of(PROCESSES_FACTS))
    return examine(
        MachineFacts(**of(MACHINE_FACTS)),
        (
            BackendChecks(
                name="compose",
                checks=compose_check.judge(engine),
                machine=engine.machine,
                leftovers=leftovers,
            ),
            BackendChecks(
                name="processes", checks=processes_check.judge(processes), machine=processes.machine
            ),
        ),
    )


def make_engine(**fields: Any) -> Engine:
    defaults = {"state": EngineState.DOWN, "detail": "socket: refused", "compose_version": "2.29.1"}
    return Engine(**defaults | fields)


def not_right(report: DoctorReport) -> dict[str, State]:
    return {check.name: check.state for check in report.checks if check.state is not State.OK}


def test_a_machine_with_everything_is_ready_for_both_backends() -> None:
    report = report_on()

    assert not_right(report) == {}
    assert all(check.way_out is None for check in report.checks)
    assert [backend.usable for backend in report.backends] == [True, True]
    assert report.ready


@pytest.mark.parametrize(
    ("broken", "name", "state", "words", "usable"),
    [
        ({"nginx": None}, "nginx", "lack", "no nginx", {"compose"}),
        (
            {"nginx": Nginx(path="n", version="1.31.3", counts=False)},
            *("nginx", "warn", "without stub_status", {"compose", "processes"}),
        ),
        (
            {"postgres": None},
            *("postgresql", "warn", "no PostgreSQL", {"compose", "processes"}),
        ),
        (
            {"postgres": Postgres(path="p", version="13.2", trouble="13.2 is too old.")},
            *("postgresql", "warn", "13.2 at p cannot be used", {"compose", "processes"}),
        ),
        ({"taken_ports": (9001, 9003)}, "ports", "lack", "9001, 9003", {"compose"}),
        (
            {"engine": make_engine(state=EngineState.ABSENT)},
            *("engine", "lack", "no Docker here", {"processes"}),
        ),
        ({"engine": make_engine()}, "engine", "lack", "does not answer", {"processes"}),
        (
            {"engine": make_engine(state=EngineState.DENIED)},
            *("engine", "lack", "may not use", {"processes"}),
        ),
        (
            {"engine": make_engine(state=EngineState.ANSWERS, detail="19.3.1")},
            *("engine", "lack", "needs 20.10", {"processes"}),
        ),
        (
            {"engine": make_engine(state=EngineState.ANSWERS, detail="28.2", compose_version=None)},
            *("compose", "lack", "neither", {"processes"}),
        ),
        (
            {
                "engine": make_engine(
                    state=EngineState.ANSWERS,
                    detail="28.2",
                    compose_version="1.25.0",
                    machine=make_machine(),
                )
            },
            *("compose", "lack", "needs 1.29", {"processes"}),
        ),
        (
            {"machine": make_machine(cores=1, core_ids=(0,))},
            *("cores", "warn", "share one core", {"compose", "processes"}),
        ),
        (
            {"machine": make_machine(can_budget=False), "budgets": "none can be made"},
            *("budgets", "warn", "none can be made", {"compose", "processes"}),
        ),
        ({"missing_modules": ("gevent",)}, "modules", "lack", "no gevent", {"compose"}),
        (
            {"leftovers": ("/tmp/twofold-0",)},
            *("leftovers", "warn", "/tmp/twofold-0", {"compose", "processes"}),
        ),
    ],
)
def test_each_thing_that_is_not_right_is_named_alone_with_a_way_out(
    broken: dict[str, Any], name: str, state: str, words: str, usable: set[str]
) -> None:
    report = report_on(**broken)

    assert not_right(report) == {name: State(state)}
    (check,) = [check for check in report.checks if check.state is not State.OK]
    assert words in check.found
    assert check.way_out
    assert {backend.name for backend in report.backends if backend.usable} == usable
    assert report.ready


def test_cores_are_told_from_logical_cpus() -> None:
    machine = make_machine(
        cores=4, core_ids=(0, 1, 2, 3), hardware_threads=((0, 1), (2, 3)), cpu_model="Xeon"
    )
    (check,) = [each for each in report_on(machine=machine).checks if each.name == "cores"]

    assert check.found == "4 logical CPUs, 2 cores of Xeon"


@pytest.mark.parametrize(
    ("broken", "name", "words"),
    [
        ({"free_bytes": 10**6}, "disk", "0.0 GB free in /tmp; a run needs up to 0.5 GB"),
        ({"results_error": "Read-only file system"}, "results", "Read-only file system"),
    ],
)
def test_without_a_place_for_results_no_backend_makes_it_ready(
    broken: dict[str, Any], name: str, words: str
) -> None:
    report = report_on(**broken)

    assert not_right(report) == {name: State.LACK}
    assert words in next(check.found for check in report.checks if check.name == name)
    assert not report.ready


def test_without_budgets_it_says_that_only_waiting_can_be_measured() -> None:
    report = report_on(machine=make_machine(can_budget=False))

    processes = report.backends[1]
    assert processes.can_test.startswith("io with gthread, sync at 1, 2, 4 replicas")


def test_the_servers_and_workloads_are_those_of_the_registries() -> None:
    report = report_on()

    assert [(server.name, server.workers) for server in report.servers] == [
        (server.name, tuple(worker.name for worker in server.worker_models))
        for server in SERVERS.values()
    ]
    assert report.servers[0].workers == ("gthread", "sync", "gevent")
    assert [workload.name for workload in report.workloads] == ["cpu", "io", "db", "mixed"]


def test_the_text_has_a_line_a_check_and_its_way_out_below() -> None:
    report = DoctorReport(
        checks=(
            Check(name="engine", state=State.OK, found="Docker 28 answers"),
            Check(name="disk", state=State.LACK, found="full", way_out="Make room."),
        ),
        backends=(BackendView(name="compose", usable=True, can_test="everything"),),
        servers=(ServerView(name="gunicorn", about="", workers=("gthread", "sync")),),
        workloads=(WorkloadView(name="cpu", about="computes"),),
    )

    assert doctor.render(report) == (
        "ok    engine  Docker 28 answers\n"
        "LACK  disk    full\n"
        "              → Make room.\n"
        "\n"
        "--backend compose: everything\n"
        "servers: gunicorn (gthread, sync)\n"
        "workloads: cpu (computes)\n"
    )


@pytest.mark.parametrize(
    ("pythons", "found"),
    [
        ((), "only this one, {python}; no free-threaded build is on PATH"),
        (("CPython 3.13.5 (/p)",), "CPython 3.13.5 (/p); no free-threaded build is on PATH"),
        (("CPython 3.13.5 free-threaded (/t)",), "CPython 3.13.5 free-threaded (/t)"),
    ],
)
def test_a_build_without_a_gil_is_named_and_its_absence_too(
    pythons: tuple[str, ...], found: str
) -> None:
    facts = ProcessesFacts(**PROCESSES_FACTS, pythons=pythons)

    (check,) = (check for check in processes_check.judge(facts) if check.name == "pythons")

    assert check.found == found.format(python=facts.machine.python)
    assert check.state is State.OK
