from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from loadtests.model import errors
from tests.loadtests.cli.command_line import SMALL
from tests.loadtests.fakes import World


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
