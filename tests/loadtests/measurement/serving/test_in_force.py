from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.config.options import Options
from loadtests.measurement.serving import in_force
from loadtests.model.errors import EnvironmentFailure, NotInForce
from loadtests.model.plan import Plan, WorkerModel
from loadtests.model.tested.in_force import InForce, ServerProcess, applied
from loadtests.model.tested.target import Target, TargetKind
from loadtests.planning.run_plan import make_plan
from loadtests.servers import registry
from loadtests.targets import plain
from loadtests.tools import proc
from tests.loadtests.builders import make_machine
from tests.loadtests.fakes import FakeStack, World
from tests.loadtests.servers.captured import log, process

STARTED = plain.as_started()[plain.AS_STARTED]
GTHREAD = "Starting gunicorn 27.0.1\nUsing worker: gthread\nBooting worker with pid: 7\n"


def booting(workers: int) -> str:
    """Return the lines of so many workers of gunicorn, each of which has a number of its own."""
    return "".join(f"Booting worker with pid: {7 + number}\n" for number in range(workers))


def plan_for(*workers: WorkerModel) -> Plan:
    options = Options(workers=("gthread",), replicas=(1, 2))
    plan = make_plan(options, make_machine(), backend="fake", seed=1)
    return replace(plan, workers=workers)


def see(plan: Plan, world: World) -> tuple[InForce, ...]:
    return in_force.see(FakeStack(world, plan), plan, kept={})


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for processes that never come."""
    monkeypatch.setattr(in_force, "NEXT_PROCESS_S", 0.0)
    monkeypatch.setattr(proc, "sleep", lambda _: None)


def test_workers_that_start_one_after_the_other_are_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """gunicorn's first worker answers at once where the application is preloaded."""
    monkeypatch.setattr(in_force, "NEXT_PROCESS_S", 60.0)
    looks = iter(range(1, 9))
    started = "Starting gunicorn 27.0.1\nUsing worker: sync\n"

    (seen,) = see(
        plan_for(registry.worker_models()["sync"]),
        World(first_log=lambda _: started + booting(next(looks))),
    )

    assert (seen.processes, next(looks)) == (4, 5)


def test_another_worker_model_is_told_without_a_wait() -> None:
    looks = iter(range(1, 2))

    with pytest.raises(EnvironmentFailure, match="gunicorn with sync, and gthread runs"):
        see(
            plan_for(registry.worker_models()["sync"]),
            World(first_log=lambda _: GTHREAD * next(looks)),
        )


def test_what_was_put_into_force_is_confirmed_and_recorded() -> None:
    worker = registry.worker_models()["uwsgi-processes"]

    (seen,) = see(plan_for(worker), World(first_log=lambda _: log("uwsgi-processes")))

    assert (seen.server, seen.version, seen.mode) == ("uwsgi", "2.0.30", "processes")
    assert (seen.processes, seen.threads, seen.slots) == (4, 1, 4)
    assert seen.seen_by == "its log"
    assert str(seen) == "uwsgi processes, 4 processes"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("gthread", log("gunicorn-timeout"), "gunicorn with gthread, and sync runs"),
        ("uwsgi-processes", log("uwsgi-threads"), r"uwsgi with 4 process\(es\), and 1 runs"),
        ("uwsgi-threads", log("uwsgi-gevent"), "uwsgi with threads, and gevent runs"),
        ("sync", log("gunicorn-max-requests"), r"gunicorn with 4 process\(es\), and 1 runs"),
    ],
)
def test_a_server_that_runs_something_else_is_an_error_with_its_log(
    name: str, text: str, message: str
) -> None:
    worker = registry.worker_models()[name]

    with pytest.raises(EnvironmentFailure, match=message) as caught:
        see(plan_for(worker), World(first_log=lambda _: text))

    assert text[:200] in str(caught.value)


def test_an_image_that_sets_its_own_number_can_only_be_measured_as_it_starts() -> None:
    image = Target(kind=TargetKind.IMAGE, given="shop:1", name="shop:1", image="shop:1")
    plan = replace(plan_for(registry.worker_models()["sync"]), tested=image)

    with pytest.raises(
        NotInForce, match=r"4 process\(es\), and 1 runs, which the image"
    ) as refused:
        see(plan, World(first_log=lambda _: log("gunicorn-max-requests")))
    assert refused.value.workers == ("sync",)


def test_what_a_silent_server_runs_is_seen_by_its_threads() -> None:
    worker = registry.worker_models()["cheroot"]
    running = (process("python -m cheroot app.wsgi:application", threads=4),)

    with pytest.raises(EnvironmentFailure, match=r"4 thread\(s\) in each, and 2 runs.*processes"):
        see(plan_for(worker), World(processes=lambda _: running))


def test_threads_of_the_application_are_not_the_servers() -> None:
    worker = registry.worker_models()["waitress"]
    named = (process("python -m waitress --threads=4 app.wsgi:application", threads=7),)
    unnamed = (process("python serve.py waitress", threads=7),)

    (by_its_line,) = see(plan_for(worker), World(processes=lambda _: named))
    (by_count,) = see(plan_for(worker), World(processes=lambda _: unnamed))

    assert by_its_line.threads == 4
    assert (by_count.threads, by_count.slots) == (None, 4)


def test_threads_of_an_image_that_could_only_be_counted_come_with_a_note() -> None:
    running = (process("waitress-serve shop:app", threads=7),)

    (seen,) = see(plan_for(STARTED), World(processes=lambda _: running))

    assert (seen.threads, seen.slots) == (6, 6)
    assert "6 threads were counted in a process" in seen.notes[0]


@pytest.mark.parametrize(
    "line",
    [
        '{"message": "Using worker: gthread", "level": "info"}',
        "\x1b[32m[INFO]\x1b[0m Using worker: \x1b[1mgthread\x1b[0m",
        '{"message": "Using worker: \\u001b[1mgthread\\u001b[0m"}',
    ],
    ids=["JSON", "colours", "both"],
)
def test_a_log_in_another_form_is_no_difference(line: str) -> None:
    worker = registry.worker_models()["gthread"]

    (seen,) = see(plan_for(worker), World(first_log=lambda _: f"Starting gunicorn 23.0.0\n{line}"))

    assert (seen.server, seen.mode) == ("gunicorn", "gthread")


def test_processes_with_threads_in_each_are_no_difference() -> None:
    model = registry.worker_models()["uwsgi-processes"]
    worker = replace(model, name="uwsgi", processes=2, threads=3, slots=6)

    (seen,) = see(plan_for(worker), World(first_log=lambda _: log("uwsgi-router")))

    assert str(seen) == "uwsgi threads, 2 processes, 3 threads in each"


def test_a_variant_of_the_configuration_may_name_the_server_as_its_mode() -> None:
    worker = replace(registry.worker_models()["waitress"], name="w", mode="waitress")
    running = (process("python -m waitress app.wsgi:application", threads=5),)

    (seen,) = see(plan_for(worker), World(processes=lambda _: running))

    assert seen.threads == 4


def test_nothing_seen_is_no_difference() -> None:
    (seen,) = see(plan_for(registry.worker_models()["gthread"]), World())

    assert (seen.mode, seen.processes, seen.slots, seen.seen_by) == (None, None, 4, "nothing")


def test_a_command_of_the_users_own_is_not_compared() -> None:
    worker = WorkerModel(
        name="own", server="command", processes=1, threads=1, slots=1, options=("serve", "{bind}")
    )

    (seen,) = see(plan_for(worker), World(first_log=lambda _: log("uwsgi-processes")))

    assert seen.slots == 1


def test_a_known_server_that_a_command_starts_is_named_with_what_was_noticed() -> None:
    command = ("flask", "--app", "{module}", "run", "--debug", "--port", "{port}")
    worker = WorkerModel(
        name="own", server="command", processes=1, threads=1, slots=3, options=command
    )
    started = "Starting gunicorn 27.0.1\nUsing worker: sync\n" + booting(2)

    (flask,) = see(plan_for(worker), World(first_log=lambda _: log("development-reloader")))
    (gunicorn,) = see(plan_for(worker), World(first_log=lambda _: started))
    stack = FakeStack(World(), plan_for(worker))
    stack.log_of = lambda member: log("gunicorn-timeout")  # type: ignore[method-assign]
    (after,) = in_force.with_troubles(stack, (gunicorn,))

    assert (flask.server, flask.slots) == ("development", 3)
    assert "not made for load" in flask.notes[0]
    assert (gunicorn.version, gunicorn.processes, gunicorn.slots) == ("27.0.1", 2, 3)
    assert any("own-1: gunicorn wrote once" in note for note in after.notes)


@pytest.mark.parametrize(
    "command",
    [
        "gunicorn --reload shop:app",
        "uwsgi --ini uwsgi.ini --py-autoreload=1",
        "granian --reload shop:app",
        "uvicorn shop:app --reload",
    ],
)
def test_a_reloader_is_told_of_any_server(command: str) -> None:
    (seen,) = see(plan_for(STARTED), World(processes=lambda _: (process(command),)))

    assert sum("reloader is on" in note for note in seen.notes) == 1


def test_the_targets_python_is_not_that_of_a_command_which_may_start_another_one() -> None:
    own = WorkerModel(
        name="own", server="command", processes=1, threads=1, slots=1, options=("x", "{bind}")
    )
    plan = plan_for(own)
    plan = replace(plan, tested=replace(plan.tested, implementation="CPython"))

    (seen,) = see(plan, World(processes=lambda _: (process("pypy3 -m gunicorn shop:app"),)))

    assert seen.python is None


# -- a target that starts its own server ------------------------------------------------------


def test_an_image_is_measured_as_it_starts_and_its_slots_count() -> None:
    plan = plan_for(STARTED)

    seen = see(plan, World(first_log=lambda _: log("gunicorn-timeout")))

    assert str(seen[0]) == "gunicorn sync, 2 workers"
    (model,) = applied(plan, seen).workers
    assert (model.server, model.mode, model.processes, model.slots) == ("gunicorn", "sync", 2, 2)


@pytest.mark.parametrize(
    ("spread", "expected"),
    [((True, True), True), ((True, False), False), ((None, None), None), ((None, True), True)],
)
def test_the_periods_are_spread_where_those_of_all_worker_models_are(
    spread: tuple[bool | None, ...], expected: bool | None
) -> None:
    seen = tuple(
        InForce(worker=f"w{number}", server="gunicorn", periods_spread=each)
        for number, each in enumerate(spread)
    )

    assert applied(plan_for(STARTED), seen).budget.periods_spread is expected


def test_threads_that_gunicorn_starts_under_load_are_seen_after_it() -> None:
    plan = plan_for(STARTED)
    processes: tuple[ServerProcess, ...] = (
        process("gunicorn shop:app"),
        process("gunicorn shop:app", pid=11, parent=10, threads=1),
    )
    world = World(first_log=lambda _: GTHREAD, processes=lambda _: processes)
    stack = FakeStack(world, plan)
    seen = in_force.see(stack, plan, kept={})
    assert (seen[0].threads, seen[0].slots) == (None, None)

    processes = (processes[0], replace(processes[1], threads=9))
    (after,) = in_force.after_load(stack, seen)

    assert (after.threads, after.slots, after.seen_by) == (8, 8, "its processes under load")
    assert "Threads that the application itself starts are among them" in after.notes[0]


def test_the_interpreter_is_recorded_where_it_was_asked() -> None:
    running = (replace(process("python -m gunicorn shop:app"), implementation="PyPy"),)
    plan = plan_for(registry.worker_models()["gthread"])
    asked = replace(plan, tested=replace(plan.tested, implementation="CPython"))

    (of_processes,) = see(plan, World(processes=lambda _: running))
    (of_target,) = see(asked, World())
    (unknown,) = see(plan, World())

    assert [seen.python for seen in (of_processes, of_target, unknown)] == ["PyPy", "CPython", None]


def test_a_server_that_nobody_knows_has_no_slots() -> None:
    (seen,) = see(plan_for(STARTED), World(processes=lambda _: (process("python serve.py"),)))

    assert (seen.server, seen.slots, seen.processes) == (None, None, 1)
    assert str(seen) == "an unknown server, 1 process"


def test_cheaper_leaves_slots_open_and_says_what_to_do() -> None:
    text = log("uwsgi-cheaper").partition("spawned uWSGI worker 2")[0]
    worker = replace(registry.worker_models()["uwsgi-processes"], processes=8, slots=8)

    started, planned = see(plan_for(STARTED, worker), World(first_log=lambda _: text))

    assert started.slots is None
    assert "1 process at the start, up to 8 under load" in started.notes[0]
    assert planned.notes == started.notes


FIVE_WORKERS = f"Starting gunicorn 27.0.1\nUsing worker: sync\n{booting(5)}"


def test_a_number_of_processes_that_the_cores_decide_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    started, planned = see(
        plan_for(STARTED, replace(registry.worker_models()["sync"], processes=5)),
        World(first_log=lambda _: FIVE_WORKERS),
    )

    assert "5 worker processes are as many as cpu_count() gives" in started.notes[0]
    assert planned.notes == ()


@pytest.mark.parametrize("option", ["-w 5", "--workers 5", "--workers=5"])
def test_a_number_of_processes_that_the_command_names_is_the_users_own(
    option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)

    seen = in_force.look(STARTED, FIVE_WORKERS, (process(f"gunicorn {option} shop:app"),))

    assert (seen.processes, seen.notes) == (5, ())


def test_a_development_server_is_told_in_the_first_lines() -> None:
    (seen,) = see(plan_for(STARTED), World(first_log=lambda _: log("development-reloader")))

    assert seen.server == "development"
    assert "not made for load" in seen.notes[0]
    assert "reloader is on" in seen.notes[1]
