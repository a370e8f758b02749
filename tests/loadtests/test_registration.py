"""Something new of a kind is one registration: every list and every message then has it."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from loadtests.cli import registry as commands
from loadtests.cli.boundary import run_command_line
from loadtests.cli.commands import doctor
from loadtests.cli.group import Entry
from loadtests.environments import registry as backends
from loadtests.environments.backend_kind import BackendKind
from loadtests.environments.protocol import Chosen
from loadtests.environments.removal import Remains
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import WorkerModel
from loadtests.model.tested.target import TargetKind
from loadtests.planning.checks import BackendChecks, ok
from loadtests.report.formats.registry import FORMATS, Format
from loadtests.results import report_files
from loadtests.results.run_folder import Store
from loadtests.servers import registry as servers
from loadtests.servers.server import Command, Server
from loadtests.targets.workloads import WORKLOADS, BuiltIn
from tests.loadtests.builders import make_machine, make_plan, make_result
from tests.loadtests.fakes import FakeBackend, World

MOON = BackendKind(
    name="moon",
    about="a machine far away",
    auto_rank=0,
    targets=frozenset(TargetKind),
    choose=lambda *_: Chosen(backend=FakeBackend(World()), machine=make_machine(), why="it is up"),
    examine=lambda: BackendChecks(
        name="moon", checks=(ok("rocket", "fuelled"),), machine=make_machine()
    ),
    remains=lambda _: nullcontext((Remains(name="crater", living=False, remove=lambda: None),)),
)
ERLANG = Server(
    name="erlang",
    about="processes of a kind",
    worker_models=(WorkerModel(name="erlang-4", server="erlang", processes=4, threads=1, slots=4),),
    command=lambda order: Command(argv=("erlang", order.application), env={}),
    container=lambda worker: Command(argv=("erlang",), env={"PROCESSES": str(worker.processes)}),
)
SEARCH = BuiltIn(name="catalogue", about="searches", path="/search?q=a")
WORKERS = tuple(servers.worker_models())
"""The worker models of today, whatever they are; likewise the workloads."""
ASKED_FOR = tuple(WORKLOADS)
FOR_A_GATE = tuple(name for name, entry in WORKLOADS.items() if not entry.needs_store)


class Output:
    """What a command wrote, on both streams, with its lines joined as a reader reads them."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def of(self, *argv: str) -> str:
        run_command_line(list(argv))
        streams = self._capsys.readouterr()
        text = " ".join((streams.out + streams.err).split())
        return re.sub(r"(?<=\w)- ", "-", text)  # a line may end inside a name such as uwsgi-gevent


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Output:
    """Commands on a machine that only the backends of a test are asked about."""
    monkeypatch.setattr(backends, "BACKENDS", {MOON.name: MOON})
    return Output(capsys)


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_new_backend_is_in_the_help_in_messages_and_in_doctor(
    output: Output, command: str
) -> None:
    assert "moon (a machine far away)" in output.of(command, "--help")
    refusal = output.of(command, "--backend", "mon")
    assert "Unknown backend 'mon'. Known: auto, moon. Did you mean moon?" in refusal
    report = output.of("doctor")
    assert "ok rocket fuelled" in report
    assert f"--backend moon: cpu with {', '.join(servers.default_models())}" in report


def test_a_new_backend_is_chosen_and_cleaned_up(output: Output) -> None:
    assert "it is up" in output.of("plan", "--backend", "moon", "--out", "no-such-folder")
    assert "Removed what 1 run had left." in output.of("down")


def test_auto_tries_the_backends_by_their_rank_until_one_works(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def down(*_: object) -> Chosen:
        raise EnvironmentFailure("no rocket")

    later = BackendKind(**{**vars(MOON), "name": "later", "auto_rank": 9})
    never = BackendKind(**{**vars(MOON), "name": "never", "auto_rank": None})
    broken = BackendKind(**{**vars(MOON), "name": "broken", "choose": down})
    monkeypatch.setattr(backends, "BACKENDS", {kind.name: kind for kind in (later, never, broken)})

    assert [kind.name for kind in backends.in_order_of_trial()] == ["broken", "later"]
    assert backends.choose("auto", tmp_path).why == "Without broken (no rocket); it is up"
    assert backends.choose("never", tmp_path).why == "as requested; it is up"

    monkeypatch.setattr(backends, "BACKENDS", {"broken": broken})
    with pytest.raises(EnvironmentFailure, match=r"No backend works here.*no rocket"):
        backends.choose("auto", tmp_path)


def test_a_new_server_is_in_the_help_in_messages_and_in_doctor(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(servers.SERVERS, ERLANG.name, ERLANG)

    workers = (*WORKERS, "erlang-4")
    assert ", ".join(workers) in output.of("run", "--help")
    refusal = output.of("run", "--workers", "erlang")
    assert f"Known: {', '.join(workers)}. Did you mean erlang-4?" in refusal
    assert "erlang (erlang-4)" in output.of("doctor")


def test_a_gate_lists_the_servers_that_an_image_starts_by_itself(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_image = Server(**{**vars(ERLANG), "container": lambda _: Command(argv=(), env={})})
    monkeypatch.setitem(servers.SERVERS, ERLANG.name, ERLANG)
    assert "erlang-4" not in output.of("gate", "--help")

    monkeypatch.setitem(servers.SERVERS, by_image.name, by_image)
    workers = ", ".join((*servers.default_models(), "erlang-4"))
    assert workers in output.of("gate", "--help")
    assert f"Known: {workers}. Did you mean erlang-4?" in output.of("gate", "--workers", "erlang")


def test_a_new_server_is_planned_with_its_slots(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(servers.SERVERS, ERLANG.name, ERLANG)

    planned = output.of("plan", "--workers", "erlang-4", "--out", "no-such-folder")

    assert "erlang-4 (4 slots)" in planned
    assert servers.server_of("erlang-4") is ERLANG


def test_a_new_workload_is_in_the_help_in_messages_and_in_doctor(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(WORKLOADS, SEARCH.name, SEARCH)

    assert "catalogue (searches)" in output.of("run", "--help")
    for_a_gate = ", ".join((*FOR_A_GATE, "catalogue"))
    assert for_a_gate in output.of("gate", "--help")
    refusal = output.of("run", "--workload", "catalog")
    assert f"Known: {', '.join((*ASKED_FOR, 'catalogue'))}. Did you mean catalogue?" in refusal
    assert f"{for_a_gate}, or a path" in output.of("gate", "--workload", "catalog")
    assert "catalogue (searches)" in output.of("doctor")
    planned = output.of("plan", "--workload", "catalogue", "--out", "no-such-folder")
    assert "catalogue (/search?q=a)" in planned


def test_a_new_format_is_written_with_every_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    short = Format(name="short", file="short.txt", about="a word", render=lambda *_: "scales\n")
    monkeypatch.setitem(FORMATS, short.name, short)
    kept = Store.create(tmp_path, "a-run")

    report_files.write_all(kept, make_result(make_plan(), ()), ())

    assert (kept.folder / "short.txt").read_text() == "scales\n"


def test_a_new_command_is_in_the_list_and_in_messages(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries: Any = commands.COMMANDS
    monkeypatch.setitem(entries, "examine", Entry(doctor.__name__.split(".")[-1], "Look around."))

    assert "examine Look around." in output.of("--help")
    assert "Did you mean examine?" in output.of("examin")
    assert "ok rocket fuelled" in output.of("examine")
