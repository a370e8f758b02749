"""Starts of two versions in lanes: who comes when, what they are held to, and who has ended."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from loadtests.environments.compose import containers, lanes
from loadtests.environments.compose.lanes import LaneStack
from loadtests.environments.compose.projects import Project
from loadtests.environments.shared import cpu_periods
from loadtests.model.plan import Upstream
from loadtests.model.vocabulary import Role
from loadtests.tools import docker, host, proc
from loadtests.tools.docker import Container
from tests.checkout import CHECKOUT
from tests.loadtests.environments.compose.fake_engine import (
    COMPOSE,
    FakeEngine,
    Ran,
    a_container,
    as_engine,
)

SERVICES = tuple(a_container(name) for name in ("proxy", "generator", "metronome"))


def starts(of_each_lane: int) -> list[Container]:
    return [
        a_container(f"{version}-{lane}", number, address=f"10.{index}.{lane == 'b':d}.{number}")
        for index, version in enumerate(("base", "head"))
        for lane in "ab"
        for number in range(1, of_each_lane + 1)
    ]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Ran:
    made = Ran()
    monkeypatch.setattr(proc, "run", made)
    monkeypatch.setattr(docker, "is_local", lambda: False)
    monkeypatch.setattr(lanes, "wait_until_quiet", lambda *_: None)
    return made


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(*starts(2), *SERVICES)


def a_stack(engine: FakeEngine, folder: Path) -> LaneStack:
    project = Project(
        engine=as_engine(engine),
        compose=COMPOSE,
        name="twofold-a-gate",
        files=(CHECKOUT / "compose/gate.yaml",),
        variables={},
    )
    return LaneStack(
        project,
        CHECKOUT,
        folder,
        ports={"base": 8000, "head": 8000},
        lane_cores=(2, 3),
        service_cores=(0, 1),
        replica_cpus=0.25,
    )


def test_each_lane_has_as_many_starts_and_those_that_are_up_stay(
    engine: FakeEngine, ran: Ran, tmp_path: Path
) -> None:
    a_stack(engine, tmp_path).grow(3)

    (argv,) = ran.argvs
    assert argv[argv.index("up") + 1] == "--no-recreate"
    assert [word for word in argv if word.startswith("--scale")] == [
        f"--scale={version}-{lane}=2" for version in ("base", "head") for lane in "ab"
    ]
    assert argv[-3:] == ("proxy", "generator", "metronome")


def test_starts_are_counted_with_the_lanes_in_turn(
    engine: FakeEngine, ran: Ran, tmp_path: Path
) -> None:
    stack = a_stack(engine, tmp_path)
    stack.grow(4)

    counted = [(start.worker, start.number, start.name, start.address) for start in stack.replicas]
    assert counted[:4] == [
        ("base", 1, "base-a-1", "10.0.0.1:8000"),
        ("base", 2, "base-b-1", "10.0.1.1:8000"),
        ("base", 3, "base-a-2", "10.0.0.2:8000"),
        ("base", 4, "base-b-2", "10.0.1.2:8000"),
    ]
    assert [name for *_, name, _ in counted[4:]] == ["head-a-1", "head-b-1", "head-a-2", "head-b-2"]


def test_each_start_is_held_to_its_budget_once(
    engine: FakeEngine, ran: Ran, tmp_path: Path
) -> None:
    engine.listed = (*starts(1), *SERVICES)
    stack = a_stack(engine, tmp_path)
    stack.grow(2)
    stack.hold()
    engine.listed = (*starts(2), *SERVICES)
    stack.grow(4)

    stack.hold()

    updates = [argv for argv in ran.argvs if argv[:2] == ("docker", "update")]
    assert updates == [
        (
            *("docker", "update", "--cpus=0.25", f"--cpuset-cpus={core}"),
            *(f"id of {version}-{lane}-{number}" for version in ("base", "head")),
        )
        for number in (1, 2)
        for lane, core in (("a", 2), ("b", 3))
    ]


def test_starts_of_one_number_use_their_core_in_turn(
    engine: FakeEngine, ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spread: list[object] = []
    monkeypatch.setattr(docker, "is_local", lambda: True)
    monkeypatch.setattr(cpu_periods, "spread", lambda sets, _: spread.extend(sets))
    engine.listed = (*starts(2), *SERVICES)
    stack = a_stack(engine, tmp_path)
    stack.grow(4)
    stack.hold()

    assert spread == [
        [f"{version}-{lane}-{number}" for version in ("base", "head")]
        for number in (1, 2)
        for lane in "ab"
    ]


def test_the_proxy_passes_each_port_to_the_starts_of_one_version(
    engine: FakeEngine, ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs: list[str] = []
    stack = a_stack(engine, tmp_path)
    stack.grow(4)
    monkeypatch.setattr(proc, "run", lambda _, *, input_text, **__: configs.append(input_text))

    stack.configure_proxy([Upstream(port=9001, worker="head", members=(1, 3))])

    (config,) = configs
    assert "10.1.0.1:8000" in config
    assert "10.1.0.2:8000" in config
    assert "10.0.0.1:8000" not in config


def test_the_proxy_listens_where_the_versions_cannot_reach_it(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs: list[str] = []
    proxy = a_container("proxy", address="10.77.0.9")
    stack = a_stack(FakeEngine(*starts(2), proxy, *SERVICES[1:]), tmp_path)
    stack.grow(4)
    monkeypatch.setattr(proc, "run", lambda _, *, input_text, **__: configs.append(input_text))

    stack.configure_proxy([Upstream(port=9001, worker="base", members=(1,))])

    listening = [line.split()[1] for line in configs[0].splitlines() if " listen " in line]
    assert listening == ["10.77.0.9:9000;", "10.77.0.9:9001;"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"running": False, "exit_code": 3}, "with code 3"),
        ({"running": False, "out_of_memory": True}, "out of memory"),
    ],
)
def test_a_start_that_has_ended_is_named_with_the_reason_and_its_log(
    ran: Ran, tmp_path: Path, fields: dict[str, object], why: str
) -> None:
    engine = FakeEngine(*starts(1), a_container("head-b", 2, **fields), *SERVICES)

    message = a_stack(engine, tmp_path).ended()

    assert message is not None
    assert message.startswith(f"A start of head (head-b-2) exited {why} before it answered.")
    assert message.endswith("log of id of head-b-2, 20")


def test_a_start_that_got_no_connection_of_its_store_is_told_what_to_do(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine(a_container("head-b", 2, running=False, exit_code=1), *SERVICES)
    log = "psycopg.OperationalError: FATAL:  sorry, too many clients already"
    monkeypatch.setattr(engine, "log", lambda *_, **__: log)

    message = a_stack(engine, tmp_path).ended()

    assert message is not None
    assert "raise the store's max_connections" in message


def test_where_all_run_or_only_a_service_has_ended_there_is_no_message(
    ran: Ran, tmp_path: Path
) -> None:
    engine = FakeEngine(*starts(1), a_container("proxy", running=False))

    assert a_stack(engine, tmp_path).ended() is None


@pytest.mark.parametrize("local", [True, False])
def test_the_lanes_cores_are_kept_awake_and_all_that_it_uses_are_read(
    engine: FakeEngine,
    ran: Ran,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    local: bool,
) -> None:
    read: list[Collection[int]] = []
    monkeypatch.setattr(docker, "is_local", lambda: local)
    monkeypatch.setattr(host, "read_host", read.append)
    stack = a_stack(engine, tmp_path)

    stack.read_host()

    assert stack.host_cores == ((2, 3) if local else ())
    assert [set(cores) for cores in read] == ([{0, 1, 2, 3}] if local else [])


def test_programs_are_started_in_their_containers_and_have_logs_of_their_own(
    engine: FakeEngine, ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[tuple[str, ...], Path]] = []
    monkeypatch.setattr(
        "loadtests.environments.compose.containers.Child",
        lambda argv, log, **_: started.append((argv, log)),
    )
    stack = a_stack(engine, tmp_path)
    stack.grow(4)

    stack.start_generator()
    stack.start_metronome()

    (generator, generator_log), (metronome, _) = started
    assert generator[3:] == (
        *("id of generator-1", "python", "-m", "loadtests.generator"),
        *("--processes", "1"),
    )
    assert metronome[-2:] == ("loadtests.generator.metronome", "2,3")
    assert generator_log == tmp_path / "logs/generator.log"
    assert stack.log_of(Role.PROXY) == "log of id of proxy-1, 20"
    assert stack.log_of("nobody") == "(no container)"


def test_each_start_is_asked_once_what_its_python_is(
    engine: FakeEngine, ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = a_stack(engine, tmp_path)
    stack.grow(2)
    asked: list[str] = []

    def ask(container: str) -> str:
        asked.append(container)
        return "PyPy" if len(asked) == 1 else "CPython"

    monkeypatch.setattr(lanes, "ask_implementation", ask)
    monkeypatch.setattr(engine, "processes", lambda _: [("1", "0", "1", "python")], raising=False)

    base, _, head = (stack.processes_of(name) for name in ("base-a-1", "base-a-1", "head-a-1"))

    assert [process.implementation for process in (*base, *head)] == ["PyPy", "CPython"]
    assert len(asked) == 2


def test_the_python_of_a_users_version_is_seen_from_inside(
    engine: FakeEngine, ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = a_stack(engine, tmp_path)
    stack.grow(2)
    monkeypatch.setattr(LaneStack, "_asks_python", False)
    monkeypatch.setattr(containers, "_programs_in", lambda *_: ["/opt/pypy/bin/pypy3.11-c"])
    monkeypatch.setattr(engine, "processes", lambda _: [("1", "0", "1", "python")], raising=False)

    assert [process.implementation for process in stack.processes_of("base-a-1")] == ["PyPy"]
