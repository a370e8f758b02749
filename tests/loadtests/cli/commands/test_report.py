from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.model import errors
from tests.loadtests.cli.command_line import SMALL
from tests.loadtests.fakes import World
from tests.ordinary_user import folder_for_all, ordinary_user


def test_a_report_can_be_made_again_without_measuring(
    twofold: Any, world: World, tmp_path: Path
) -> None:
    first = twofold("run", *SMALL, "--json")
    measured = len(world.trials)
    (folder,) = tmp_path.iterdir()
    for name in ("run.json", "report.md", "report.html", "junit.xml"):
        (folder / name).unlink()

    again = twofold("report", "--json")

    assert (again.code, again.document) == (first.code, first.document)
    assert len(world.trials) == measured
    assert (folder / "report.html").exists()


def test_a_run_that_was_cut_off_has_a_report_that_cannot_tell(twofold: Any, world: World) -> None:
    def before_trial(count: int) -> None:
        if count == 6:
            raise errors.Interrupted(signal.SIGINT)

    world.before_trial = before_trial
    twofold("run", *SMALL)

    ended = twofold("report", "--json")

    assert (ended.code, ended.document["verdict"]) == (3, "inconclusive")


def test_a_report_is_found_by_its_path(twofold: Any, tmp_path: Path) -> None:
    twofold("run", *SMALL)
    (folder,) = tmp_path.iterdir()

    assert twofold("report", str(folder), out=False).code == errors.EXIT_YES


def test_one_format_alone_can_be_asked_for(twofold: Any, tmp_path: Path) -> None:
    twofold("run", *SMALL)
    (folder,) = tmp_path.iterdir()

    assert twofold("report", "--format", "junit").stdout == (folder / "junit.xml").read_text()


def test_a_format_that_a_run_has_not_is_refused_with_the_way_to_have_it(twofold: Any) -> None:
    twofold("run", *SMALL)

    ended = twofold("report", "--format", "csv-latency")

    assert ended.code == errors.EXIT_USAGE
    assert "twofold run --latency" in ended.stderr


@pytest.mark.parametrize("argv", [("report",), ("report", "--json"), ("plan",)])
def test_a_journal_with_values_that_no_run_writes_is_one_message(
    twofold: Any, tmp_path: Path, argv: tuple[str, ...]
) -> None:
    twofold("run", *SMALL)
    (journal,) = tmp_path.glob("*/trials.jsonl")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for line in lines:
        line["answers"] = dict.fromkeys(line["answers"], 10**400)
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))

    ended = twofold(*argv)

    assert ended.code == (errors.EXIT_YES if argv == ("plan",) else errors.EXIT_USAGE)
    assert "Traceback" not in ended.stderr
    assert ("holds values that no run or gate writes" in ended.stderr) is (argv != ("plan",))


@pytest.fixture
def of_another(twofold: Any) -> Iterator[Path]:
    """Give the folder of a run that an ordinary user may read, but not write."""
    with folder_for_all() as results:
        twofold("run", *SMALL, "--out", str(results), out=False)
        twofold("report", "--out", str(results), out=False)  # imports what it needs
        (folder,) = results.iterdir()
        (folder / "junit.xml").unlink()
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def test_a_run_of_another_user_is_reported_without_its_files(
    twofold: Any, of_another: Path
) -> None:
    options = ("report", "--out", str(of_another.parent))
    before = {path: path.stat().st_mtime_ns for path in of_another.iterdir()}

    with ordinary_user():
        ended = twofold(*options, out=False)
        document = twofold(*options, "--json", out=False).document

    assert ended.code == errors.EXIT_YES
    assert "gthread" in ended.stdout
    assert ended.stderr == (
        f"The files in {of_another} stay as they are: you may not write there.\n"
    )
    assert document["verdict"] == "scales"
    assert {path: path.stat().st_mtime_ns for path in of_another.iterdir()} == before


def test_a_format_of_a_run_of_another_user_needs_no_file(twofold: Any, of_another: Path) -> None:
    options = ("report", "--out", str(of_another.parent), "--format", "junit")

    with ordinary_user():
        ended = twofold(*options, out=False)

    assert ended.code == errors.EXIT_YES
    assert ended.stdout.startswith("<?xml")
    of_another.chmod(0o755)
    assert twofold(*options, out=False).stdout == ended.stdout
