"""Folders that are no runs, or only half: one message, the contract's exit code, no traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests.analysis import verdict
from loadtests.cli.boundary import run_command_line
from loadtests.model import errors
from loadtests.model.vocabulary import Verdict
from loadtests.results.run_folder import Store
from tests.loadtests.builders import (
    make_calibration,
    make_facts,
    make_machine,
    make_plan,
    make_trials,
    noisy_rps,
)

PLAN = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2), rounds=6)
LINES = 24

Spoil = Callable[[Path], object]


def a_run(results: Path) -> Path:
    kept = Store.create(results, "20260921-101500-0001")
    kept.begin(make_facts(), make_machine(), PLAN)
    kept.write_calibrations((make_calibration(), make_calibration(worker="sync")))
    for trial in make_trials(PLAN, rps=noisy_rps()):
        kept.append(trial, b"")
    return kept.folder


def lines_of(folder: Path) -> list[bytes]:
    return (folder / "trials.jsonl").read_bytes().splitlines(keepends=True)


def without(*names: str) -> Spoil:
    def spoil(folder: Path) -> None:
        for name in names:
            for path in folder.glob(name):
                path.unlink()

    return spoil


def a_folder_instead(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return spoil


def of_another_plan(folder: Path) -> None:
    lines = [line.replace(b'"gthread"', b'"uvicorn"') for line in lines_of(folder)]
    (folder / "trials.jsonl").write_bytes(b"".join(lines))


SPOILED: dict[str, tuple[Spoil, str]] = {
    "an empty folder": (without("*.*"), "has no plan.json"),
    "no plan": (without("plan.json"), "has no plan.json"),
    "a plan that is a folder": (a_folder_instead("plan.json"), "has no plan.json"),
    "half a plan": (
        lambda f: (f / "plan.json").write_text((f / "plan.json").read_text()[:500]),
        "does not follow schema 1 of this version",
    ),
    "an older schema": (
        lambda f: (f / "plan.json").write_text('{"schema_version": 0}'),
        "was written with schema 0, and this version of twofold reads 1",
    ),
    "a plan of bytes": (
        lambda f: (f / "plan.json").write_bytes(b"\xff\xfe\x00"),
        "does not follow schema",
    ),
    "a line of something else": (
        lambda f: (f / "trials.jsonl").write_bytes(b'{"a": 1}\n' + b"".join(lines_of(f))),
        "; and ",
    ),
    "a line of bytes": (
        lambda f: (f / "trials.jsonl").write_bytes(b"\x80\x81\n" + b"".join(lines_of(f))),
        "does not follow schema",
    ),
    "a journal that is a folder": (
        a_folder_instead("trials.jsonl"),
        "cannot be read as a run (Is a directory",
    ),
    "another run's journal": (of_another_plan, "are of two different runs"),
    "calibrations of something else": (
        lambda f: (f / "calibrations.json").write_text("[1]"),
        "does not follow schema",
    ),
}


@pytest.mark.parametrize("command", [("report",), ("report", "--json"), ("compare",), ("export",)])
@pytest.mark.parametrize("kind", SPOILED)
def test_what_is_no_run_is_one_message_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, command: tuple[str, ...]
) -> None:
    folder = a_run(tmp_path)
    spoil, told = SPOILED[kind]
    spoil(folder)

    code = run_command_line([*command, str(folder)])

    said = capsys.readouterr()
    assert code == errors.EXIT_USAGE
    assert said.out == ""
    assert said.err.startswith("twofold: ")
    assert told in said.err
    assert "Traceback" not in said.err
    assert len(said.err) < 800


def test_a_file_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = a_run(tmp_path) / "trials.jsonl"

    assert run_command_line(["report", str(path)]) == errors.EXIT_USAGE
    assert f"{path} is not a run: it has no plan.json" in capsys.readouterr().err


MENDED: dict[str, tuple[Spoil, int]] = {
    "no reports": (lambda _: None, LINES),
    "a last line that was cut off": (
        lambda f: (f / "trials.jsonl").write_bytes(b"".join(lines_of(f))[:-200]),
        LINES - 1,
    ),
    "no journal": (without("trials.jsonl"), 0),
    "an empty journal": (lambda f: (f / "trials.jsonl").write_text(""), 0),
    "no calibrations": (without("calibrations.json"), LINES),
    "no samples": (without("samples/*"), LINES),
    "reports of something else": (
        lambda f: [(f / name).write_bytes(b"\xff") for name in ("run.json", "report.html")],
        LINES,
    ),
}


@pytest.mark.parametrize("kind", MENDED)
def test_what_is_missing_or_cut_off_is_made_again_as_far_as_the_journal_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    folder = a_run(tmp_path)
    spoil, trials = MENDED[kind]
    spoil(folder)

    code = run_command_line(["report", str(folder), "--json"])

    said = capsys.readouterr()
    document = json.loads(said.out)
    assert code == verdict.exit_code(Verdict(document["verdict"]))
    assert "Traceback" not in said.err
    assert sum(cell["trials"] for cell in document["cells"]) == trials
    assert document["rounds"] == (trials // 4)
    assert json.loads((folder / "run.json").read_text()) == document
    assert (folder / "report.html").read_text().endswith("</html>")
