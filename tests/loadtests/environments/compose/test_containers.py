"""What is read of a container's log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from loadtests.environments.compose import containers
from loadtests.environments.compose import stack as stack_module
from loadtests.environments.compose.projects import Project
from loadtests.environments.compose.stack import ComposeStack
from loadtests.environments.compose.store_shells import StoreShells
from loadtests.environments.protocol import AsksStores, KnowsVariables
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.servers import interpreter
from loadtests.tools import cgroup, docker, proc
from loadtests.tools.docker import Container
from loadtests.tools.stores import StoreProgram, mysql
from tests.checkout import CHECKOUT
from tests.loadtests.environments.compose.fake_engine import (
    COMPOSE,
    PLAN,
    FakeEngine,
    a_container,
    all_containers,
    as_engine,
)


class Engine:
    """An engine that has one log."""

    def __init__(self, log: str) -> None:
        self._lines = log.splitlines(keepends=True)

    def log(self, container: str, *, lines: int | None = None) -> str:
        assert container == "id"
        return "".join(self._lines if lines is None else self._lines[-lines:])


def last_lines(log: str) -> Any:
    engine: Any = Engine(log)
    return containers.last_lines(engine, "id")


def test_many_more_lines_are_searched_than_a_message_shows() -> None:
    found = last_lines("WORKER TIMEOUT\n" + "served\n" * 1000)

    assert found.is_whole
    assert "WORKER TIMEOUT" in found.lines


def test_a_log_that_is_longer_is_not_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MOST_LOG_LINES", 3)

    found = last_lines("WORKER TIMEOUT\n" + "served\n" * 3)

    assert not found.is_whole
    assert found.lines == ["served"] * 3


class ListingEngine(FakeEngine):
    """An engine that lists one process in each container."""

    def variables(self, container: str) -> dict[str, str]:
        return {"DATABASE_URL": f"postgresql://db/{container}"}

    def processes(self, _: str) -> list[list[str]]:
        return [["7", "1", "4", "/venv/bin/python", "/venv/bin/gunicorn", "app:create_app()"]]


def a_stack(
    tmp_path: Path, ports: dict[str, int] | None = None, *, more: Sequence[Container] = ()
) -> ComposeStack:
    project = Project(
        engine=as_engine(ListingEngine(*all_containers(), *more)),
        compose=COMPOSE,
        name="twofold-1",
        files=(),
        variables={},
    )
    return ComposeStack(project, PLAN, tmp_path, CHECKOUT, ports=ports)


Asked = list[tuple[str, ...]]
LOOK = ("sh", "-c", "for p in /proc/[0-9]*/exe; do readlink -f $p; done")


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> Asked:
    """Answer programs in containers in turn, and return what is asked."""
    asked: Asked = []

    def run(argv: tuple[str, ...], **_: object) -> proc.Completed:
        asked.append(argv)
        return proc.Completed(argv=argv, code=1, stdout=answers[len(asked) - 1], stderr="")

    monkeypatch.setattr(docker, "is_local", lambda: False)
    monkeypatch.setattr(proc, "run", run)
    return asked


@pytest.mark.parametrize(
    ("files", "python"),
    [
        ("/bin/dash\n/opt/pypy/bin/pypy3.11-c\n", "PyPy"),
        ("/bin/dash\n/usr/local/bin/python3.13\n", "CPython"),
        ('exec: "sh": executable file not found in $PATH\n', None),
    ],
)
def test_the_python_of_a_users_image_is_seen_once_from_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: str, python: str | None
) -> None:
    """Its program may be called python, and the engine's ids may be others on this machine."""
    asked = answering(monkeypatch, files)
    stack = a_stack(tmp_path, {"gthread": 80})

    seen = [stack.processes_of("sync-1")[0].implementation for _ in range(2)]

    assert seen == [python, python]
    assert asked == [("docker", "exec", "--interactive", "id of sync-1", *LOOK)]


@pytest.mark.parametrize("command", ["/usr/sbin/nginx -g daemon off;", "uWSGI master"])
def test_a_container_of_another_program_is_not_looked_into(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    asked = answering(monkeypatch)
    pythons = containers.SeenPythons()

    assert pythons.of("id", [["7", "1", "4", *command.split()]]) is None
    assert pythons.of("id", []) is None
    assert asked == []


def test_a_container_of_a_node_is_looked_into_there(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, "/usr/bin/pypy3\n")
    rows = [["7", "1", "4", "gunicorn:", "master", "[shop:app]"]]

    assert containers.SeenPythons().of("id", rows, node="ssh://two") == "PyPy"
    assert asked == [("docker", "--host", "ssh://two", "exec", "--interactive", "id", *LOOK)]


def test_the_samples_python_is_asked_once_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its image it is called python, and PyPy has to be warmed."""
    asked = answering(monkeypatch, "PyPy\n")
    stack = a_stack(tmp_path)

    processes = [*stack.processes_of("gthread-1"), *stack.processes_of("sync-1")]

    assert [process.implementation for process in processes] == ["PyPy", "PyPy"]
    assert interpreter.compiles_as_it_runs(None, processes)
    assert [argv[:5] for argv in asked] == [
        ("docker", "exec", "--interactive", "id of gthread-1", "/venv/bin/python")
    ]
    assert len(asked) == 1


def test_the_variables_of_a_member_are_its_containers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "is_local", lambda: False)
    stack = a_stack(tmp_path)

    assert isinstance(stack, KnowsVariables)
    told = stack.variables_of("gthread-1")
    assert told == {"DATABASE_URL": "postgresql://db/id of gthread-1"}


def test_a_python_that_does_not_answer_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(argv: tuple[str, ...], **_: object) -> proc.Completed:
        raise ProcessFailure(f"{argv[0]} failed")

    monkeypatch.setattr(proc, "run", run)

    assert containers.ask_implementation("id") is None


def test_the_sessions_of_a_mysql_among_the_services_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ask(_: StoreShells, member: str, program: StoreProgram, *, limit_s: float) -> str:
        asked.append(program.question)
        return f"session\tLOCK WAIT\tupdating\tUPDATE {member}\n"

    monkeypatch.setattr(docker, "is_local", lambda: True)
    monkeypatch.setattr(StoreShells, "__call__", ask)
    stack = a_stack(tmp_path)
    monkeypatch.setattr(ComposeStack, "_stores", ["store", "db"])
    commands = {"store": ["postgres"], "db": ["/usr/sbin/mysqld --user=mysql"]}
    monkeypatch.setattr(stack, "_commands", commands.__getitem__)

    assert isinstance(stack, AsksStores)
    assert stack.askable_stores() == ("db",)
    assert stack.sessions_of("db") == [("Lock", "tuple", "UPDATE db")]
    assert asked == [mysql.SESSIONS]


# -- idle controls -----------------------------------------------------------------------------


@pytest.mark.parametrize("local", [True, False])
def test_an_idle_control_that_had_ended_at_first_is_noted_once_and_is_no_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, local: bool
) -> None:
    monkeypatch.setattr(docker, "is_local", lambda: local)
    monkeypatch.setattr(cgroup, "group_of", lambda _: None)  # as where the engine's are not seen
    controls = [
        a_container("twofold-idle-gthread"),
        a_container("twofold-idle-sync", running=False, exit_code=3, pid=0),
    ]
    stack = a_stack(tmp_path, more=controls)

    assert stack.idle_controls() == ("gthread-0",)
    assert stack.idle_controls() == ("gthread-0",)
    (note,) = stack.notes
    assert note.startswith("The idle control sync-0 does not run: sync with an empty application.")
    assert [replica.number for replica in stack.replicas] == [1, 2, 1, 2]


def test_an_engine_elsewhere_is_not_asked_whether_idle_controls_still_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take long, and one failed answer would end a control for good."""

    def refuse(*_: object) -> NoReturn:
        raise EnvironmentFailure("The engine does not answer.")

    monkeypatch.setattr(docker, "is_local", lambda: False)
    stack = a_stack(
        tmp_path,
        more=[a_container("twofold-idle-gthread"), a_container("twofold-idle-sync")],
    )
    monkeypatch.setattr(FakeEngine, "containers", refuse)

    assert stack.idle_controls() == ("gthread-0", "sync-0")
    assert stack.notes == ()


def test_an_idle_control_without_processes_has_ended_where_the_kernel_shows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids: dict[str, tuple[int, ...]] = {"gthread-0": (7,), "sync-0": (8,)}
    monkeypatch.setattr(docker, "is_local", lambda: True)
    monkeypatch.setattr(ComposeStack, "_group", lambda *_: object())
    monkeypatch.setattr(ComposeStack, "_pids", lambda _, member: pids[member])
    stack = a_stack(
        tmp_path,
        more=[a_container("twofold-idle-gthread"), a_container("twofold-idle-sync")],
    )
    assert stack.idle_controls() == ("gthread-0", "sync-0")

    pids["sync-0"] = ()

    assert stack.idle_controls() == ("gthread-0",)
    (note,) = stack.notes
    assert note.startswith("The idle control sync-0 does not run")


def test_idle_controls_are_held_to_the_budget_of_a_replica(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...], **_: object) -> proc.Completed:
        held.append(argv)
        if "id of twofold-idle-gthread-1" in argv:
            raise ProcessFailure("no such container")  # it has just ended
        return proc.Completed(argv=argv, code=0, stdout="", stderr="")

    monkeypatch.setattr(docker, "is_local", lambda: False)
    monkeypatch.setattr(proc, "run", run)
    monkeypatch.setattr(stack_module, "wait_until_quiet", lambda *_: None)
    monkeypatch.setattr(ComposeStack, "_start_proxy", lambda *_: None)
    monkeypatch.setattr(proc, "sleep", lambda _: None)
    stack = a_stack(tmp_path, more=[a_container("twofold-idle-gthread")])

    stack.configure_proxy(())

    replicas, control = held
    assert control == (*replicas[:-4], "id of twofold-idle-gthread-1")
