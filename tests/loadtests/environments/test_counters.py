import json
from pathlib import Path
from typing import Any, cast

import pytest

from loadtests.environments.counters import (
    EngineCounters,
    KernelCounters,
    member_name,
    parse_stats,
    role_of,
    role_of_container,
)
from loadtests.model.vocabulary import Role
from loadtests.tools import cgroup
from loadtests.tools.cgroup import Group
from loadtests.tools.docker import Container, Engine, parse_container
from tests.checkout import CHECKOUT

DATA = CHECKOUT / "tests/data" / "docker"


def captured(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return found


def a_container(service: str, *, number: int = 1, **fields: Any) -> Container:
    defaults: dict[str, Any] = {
        "id": f"{service}-{number} of a long id",
        "service": service,
        "number": number,
        "image": "sha256:0123456789abcdef",
        "started_at": "2026-09-21T10:00:00Z",
        "running": True,
        "exit_code": 0,
        "out_of_memory": False,
        "pid": number,
        "address": "10.0.0.1",
    }
    return Container(**defaults | fields)


# -- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "name", "role"),
    [
        ("gthread", "gthread-3", Role.REPLICA),
        ("proxy", "proxy", Role.PROXY),
        ("generator", "generator:3", Role.GENERATOR),
        ("store", "store", Role.STORE),
        ("metronome", "metronome", Role.METRONOME),
        ("twofold-idle-gthread", "gthread-0", Role.REPLICA),
    ],
)
def test_replicas_are_numbered_and_the_others_are_alone(
    service: str, name: str, role: Role
) -> None:
    assert member_name(a_container(service, number=3)) == name
    assert role_of(name) is role


@pytest.mark.parametrize(("theirs", "name"), [("db", "db"), ("proxy", "with-proxy")])
def test_what_the_replicas_need_has_the_users_name_unless_it_is_one_of_ours(
    theirs: str, name: str
) -> None:
    container = a_container(f"with-{theirs}", member=theirs)

    assert member_name(container) == name
    assert role_of_container(name, container) is Role.STORE


def test_the_first_generator_has_no_number() -> None:
    assert member_name(a_container("generator")) == "generator"
    assert role_of("generator") is Role.GENERATOR


def test_a_replica_has_its_role_by_its_name() -> None:
    assert role_of_container("web-1", a_container("web")) is Role.REPLICA


def test_a_worker_model_that_is_called_like_a_role_is_a_replica_by_its_number() -> None:
    assert role_of("proxy-1") is Role.REPLICA
    assert role_of("generator-1") is Role.REPLICA
    assert role_of("generator-2") is Role.REPLICA


# -- the kernel's files ------------------------------------------------------------------------


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a control group (version 2) for each process id 1 and 2."""
    for pid in (1, 2):
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "cpu.stat").write_text(
            f"usage_usec {pid}500000\nnr_periods 40\nnr_throttled 30\nthrottled_usec 250000\n"
        )
        (folder / "memory.current").write_text("1048576\n")
        (folder / "cgroup.procs").write_text(f"{pid}1\n{pid}0\n")

    def group_of(pid: int) -> Group | None:
        folder = tmp_path / str(pid)
        if not folder.is_dir():
            return None
        names = ("cpu", "cpuacct", "memory")
        return Group(
            version=2, folders=dict.fromkeys(names, folder), tops=dict.fromkeys(names, tmp_path)
        )

    monkeypatch.setattr(cgroup, "group_of", group_of)
    return tmp_path


CONTAINERS = {
    "gthread-1": a_container("gthread"),
    "proxy": a_container("proxy", pid=2),
    "generator": a_container("generator", pid=2),
    "metronome": a_container("metronome", pid=2),
}


@pytest.mark.usefixtures("groups")
def test_counters_are_read_of_those_that_are_asked_for() -> None:
    (reading,) = KernelCounters(CONTAINERS).read(["gthread-1"])

    assert (reading.member, reading.role) == ("gthread-1", Role.REPLICA)
    assert reading.cpu_s == 1.5
    assert (reading.periods, reading.throttled_periods, reading.throttled_s) == (40, 30, 0.25)
    assert reading.memory_bytes == 2**20


def test_a_container_that_is_gone_has_no_reading(groups: Path) -> None:
    counters = KernelCounters(CONTAINERS)
    for file in (groups / "1").iterdir():
        file.unlink()

    assert [each.member for each in counters.read(["gthread-1", "proxy", "stranger"])] == ["proxy"]


@pytest.mark.usefixtures("groups")
def test_counters_are_complete_where_every_group_can_be_seen() -> None:
    unseen = {**CONTAINERS, "gthread-2": a_container("gthread", number=2, pid=0)}

    assert KernelCounters(CONTAINERS).complete
    assert not KernelCounters(unseen).complete


def test_an_identity_is_the_container_its_start_and_its_processes(groups: Path) -> None:
    counters = KernelCounters(CONTAINERS)
    before = counters.identities()
    (groups / "1/cgroup.procs").write_text("10\n12\n")

    after = counters.identities()

    assert before["gthread-1"].endswith("2026-09-21T10:00:00Z of sha256:0123456789ab 10 11")
    assert after["gthread-1"].endswith("10 12")
    assert before["proxy"] == after["proxy"]


@pytest.mark.parametrize("name", ["store", "proxy"])
def test_a_store_and_the_proxy_are_their_containers_whatever_processes_they_start(
    groups: Path, name: str
) -> None:
    counters = KernelCounters({name: a_container(name)})
    before = counters.identities()
    (groups / "1/cgroup.procs").write_text("10\n12\n13\n")

    assert counters.identities() == before
    assert before[name].endswith("of sha256:0123456789ab")


@pytest.mark.usefixtures("groups")
def test_who_is_spoken_to_has_no_identity() -> None:
    assert set(KernelCounters(CONTAINERS).identities()) == {"gthread-1", "proxy"}


@pytest.mark.usefixtures("groups")
def test_an_idle_control_has_no_identity_or_its_restart_would_be_a_replicas() -> None:
    control = a_container("twofold-idle-gthread", pid=2)

    counters = KernelCounters({**CONTAINERS, "gthread-0": control})

    assert set(counters.identities()) == {"gthread-1", "proxy"}
    assert [reading.member for reading in counters.read(["gthread-0"])] == ["gthread-0"]


def test_who_is_gone_has_no_identity(groups: Path) -> None:
    counters = KernelCounters(CONTAINERS)
    (groups / "1/cgroup.procs").unlink()

    assert set(counters.identities()) == {"proxy"}


# -- the engine's statistics -------------------------------------------------------------------


class FakeEngine:
    """An engine with captured statistics by container."""

    def __init__(self, **stats: dict[str, Any] | None) -> None:
        self._stats = stats

    def stats(self, container: str) -> dict[str, Any] | None:
        return self._stats[container]

    def containers(self, _: str) -> tuple[Container, ...]:
        control = a_container("twofold-idle-gthread")
        others = (a_container("sync", running=False), a_container("proxy"))
        return (a_container("gthread"), control, *others)


def counters_of(**stats: dict[str, Any] | None) -> EngineCounters:
    containers = {name: a_container("gthread", id=name) for name in stats}
    return EngineCounters(cast("Engine", FakeEngine(**stats)), "a-project", containers)


def test_the_statistics_of_a_container_that_runs_are_read() -> None:
    stats = captured("stats-running")

    reading = parse_stats("gthread-2", stats)

    assert reading.cpu_s == stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
    assert 0 < reading.cpu_s < 60
    assert reading.periods is not None
    assert reading.throttled_periods is not None
    assert 0 < reading.throttled_periods <= reading.periods
    assert reading.throttled_s is not None
    assert reading.throttled_s > 0
    assert reading.memory_bytes is not None
    assert 0 < reading.memory_bytes < 64 * 2**20


def test_the_moment_is_the_engines_to_a_millionth_of_a_second() -> None:
    stats = {**captured("stats-running"), "read": "2026-09-21T10:15:00.123456789Z"}

    assert parse_stats("proxy", stats).at_s == 1_789_985_700.123456


def test_who_has_stopped_or_gone_has_no_reading() -> None:
    counters = counters_of(
        running=captured("stats-running"), stopped=captured("stats-stopped"), gone=None
    )

    readings = counters.read(["running", "stopped", "gone", "stranger"])

    assert [reading.member for reading in readings] == ["running"]


def test_only_who_runs_has_an_identity() -> None:
    assert set(counters_of().identities()) == {"gthread-1", "proxy"}


def test_a_captured_container_has_a_name_and_an_identity() -> None:
    container = parse_container(captured("running"))

    assert member_name(container) == "gthread-2"
