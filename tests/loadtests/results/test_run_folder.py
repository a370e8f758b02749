import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.model.latency import Ceiling
from loadtests.results import run_folder
from loadtests.results.run_folder import Store
from loadtests.tools import files
from tests.loadtests.analysis.latency.builders import open_trial
from tests.loadtests.builders import (
    STARTED_AT_S,
    make_calibration,
    make_facts,
    make_machine,
    make_plan,
    make_trial,
    make_trials,
)
from tests.loadtests.fakes import sample_bytes

PLAN = make_plan()


def a_run(results: Path, run_id: str = "20260921-101500-0001", **facts: Any) -> Store:
    kept = Store.create(results, run_id)
    kept.begin(make_facts(run_id=run_id, **facts), make_machine(), PLAN)
    return kept


def test_what_was_written_is_read_back_to_the_last_digit(tmp_path: Path) -> None:
    kept = a_run(tmp_path)
    calibrations = (make_calibration(), make_calibration(worker="sync", service_ms=None))
    trials = make_trials(PLAN, rps=lambda spec: 1000 / 3 * spec.cell.replicas)
    kept.write_calibrations(calibrations)
    for trial in trials:
        kept.append(trial, b"samples")

    recorded = run_folder.read(kept.folder)

    assert recorded.plan == PLAN
    assert recorded.machine == make_machine()
    assert recorded.facts == make_facts()
    assert recorded.calibrations == calibrations
    assert recorded.trials == trials


def test_each_trials_samples_are_in_a_file_of_its_name(tmp_path: Path) -> None:
    kept, trial = a_run(tmp_path), make_trial()

    kept.append(trial, b"its samples")

    path = kept.folder / "samples" / f"{trial.spec.id}.npz"
    assert path.read_bytes() == b"its samples"


def test_a_line_of_the_journal_is_a_trial(tmp_path: Path) -> None:
    kept = a_run(tmp_path)

    kept.append(make_trial(), b"")
    kept.append(make_trial(), b"")

    lines = (kept.folder / "trials.jsonl").read_text().splitlines()
    assert [json.loads(line)["spec"]["cell"]["worker"] for line in lines] == ["gthread"] * 2


def test_open_and_closed_trials_are_read_back_apart(tmp_path: Path) -> None:
    kept, closed, opened = a_run(tmp_path), make_trial(), open_trial()
    kept.append(closed, b"")
    kept.append(opened, b"")

    recorded = run_folder.read(kept.folder)

    assert (recorded.trials, recorded.open_trials) == ((closed,), (opened,))


def test_reading_a_run_reads_no_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, opened = a_run(tmp_path), open_trial()
    kept.append(opened, b"")
    read: list[Path] = []
    real = files.read_plain

    def noted(path: Path) -> bytes:
        read.append(path)
        return real(path)

    monkeypatch.setattr(files, "read_plain", noted)

    run_folder.read(kept.folder)

    assert {path.suffix for path in read} == {".json", ".jsonl"}


def test_the_times_of_a_trial_come_from_its_own_samples(tmp_path: Path) -> None:
    kept, opened = a_run(tmp_path), open_trial()
    data = sample_bytes(done_us=[20_000, 5_000_000], duration_us=20_000, outcome=[0, 0])
    kept.append(opened, data)

    found = run_folder.read_waits(kept.folder, opened)

    assert found is not None
    assert found.response.tolist() == [20.0]


def test_times_whose_samples_are_gone_are_not_known(tmp_path: Path) -> None:
    assert run_folder.read_waits(a_run(tmp_path).folder, open_trial()) is None


def test_a_ceiling_is_read_back_and_old_runs_have_none(tmp_path: Path) -> None:
    kept = a_run(tmp_path)
    assert run_folder.read(kept.folder).ceiling is None
    ceiling = Ceiling(throughput_rps=9.5, cpu_ratio=0.5, users=16, window_s=1.0, processes=2)

    kept.write_ceiling(ceiling)

    assert run_folder.read(kept.folder).ceiling == ceiling


@pytest.mark.parametrize("cut", [1, 40, -2])
def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path, cut: int) -> None:
    kept, trials = a_run(tmp_path), make_trials(PLAN, rounds=1)
    for trial in trials:
        kept.append(trial, b"")
    journal = kept.folder / "trials.jsonl"
    whole = journal.read_bytes()
    last = len(whole.splitlines(keepends=True)[-1])
    journal.write_bytes(whole[: len(whole) - last + (cut if cut > 0 else last + cut)])

    assert run_folder.read(kept.folder).trials == trials[:-1]


def test_samples_are_on_disk_before_their_line_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = a_run(tmp_path)
    synced: list[str] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)

    kept.append(make_trial(), b"samples")

    samples, folder, journal, _ = synced
    assert ".npz." in samples
    assert (folder, journal) == ("samples", "trials.jsonl")


def test_a_trial_behind_a_line_that_was_cut_off_is_read(tmp_path: Path) -> None:
    kept = a_run(tmp_path)
    kept.append(make_trial(), b"")
    with (kept.folder / "trials.jsonl").open("ab") as journal:
        journal.write(b'{"spec": {"cell"')

    kept.append(make_trial(), b"")

    assert len(run_folder.read(kept.folder).trials) == 2


def test_a_run_that_died_is_as_long_as_its_journal(tmp_path: Path) -> None:
    kept = a_run(tmp_path, finished=False, wall_s=0.0, started_at="2026-09-21T14:13:10+00:00")
    kept.append(make_trial(started_at_s=STARTED_AT_S, wall_s=3.0), b"")
    kept.append(make_trial(started_at_s=STARTED_AT_S + 4, wall_s=3.0), b"")

    facts = run_folder.read(kept.folder).facts

    assert facts.wall_s == 17.0
    assert facts.measuring_s == 7.0
    assert not facts.finished


def test_a_run_that_was_only_planned_can_be_read(tmp_path: Path) -> None:
    recorded = run_folder.read(a_run(tmp_path, finished=False).folder)

    assert (recorded.trials, recorded.calibrations) == ((), ())


@pytest.mark.parametrize("content", ["", "{}", "[]", "not JSON", '{"schema_version": 1}'])
def test_what_is_no_plan_is_refused_with_one_message(tmp_path: Path, content: str) -> None:
    kept = a_run(tmp_path)
    (kept.folder / "plan.json").write_text(content)

    with pytest.raises(UsageError, match="does not follow schema"):
        run_folder.read(kept.folder)


def test_a_run_of_another_schema_is_refused_by_its_version(tmp_path: Path) -> None:
    kept = a_run(tmp_path)
    (kept.folder / "plan.json").write_text('{"schema_version": 99, "plan": "unheard of"}')

    with pytest.raises(UsageError, match=r"written with schema 99, .* reads 1"):
        run_folder.read(kept.folder)


def test_a_damaged_line_in_the_middle_is_not_passed_over(tmp_path: Path) -> None:
    kept = a_run(tmp_path)
    (kept.folder / "trials.jsonl").write_text("{}\n")

    with pytest.raises(UsageError, match="does not follow schema"):
        run_folder.read(kept.folder)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read as a run"):
        run_folder.read(tmp_path)


# -- writing -----------------------------------------------------------------------------------


def test_a_results_folder_that_is_a_file_is_refused_with_a_way_out(tmp_path: Path) -> None:
    taken = tmp_path / "results"
    taken.write_text("")

    with pytest.raises(EnvironmentFailure, match=r"results cannot be written .*--out DIR"):
        Store.create(taken, "a-run")


def test_missing_folders_above_are_made(tmp_path: Path) -> None:
    kept = Store.create(tmp_path / "a" / "b", "a-run")

    assert (kept.folder / "samples").is_dir()


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    kept = a_run(tmp_path)
    kept.write("report.md", "a long first text")

    path = kept.write("report.md", "second")

    assert path.read_text() == "second"
    assert [each.name for each in kept.folder.iterdir() if each.name.startswith(".")] == []


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = a_run(tmp_path)
    kept.write("report.md", "first")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(EnvironmentFailure, match=r"No space left on device.*--out DIR"):
        kept.write("report.md", "second")
    assert (kept.folder / "report.md").read_text() == "first"
    assert [each.name for each in kept.folder.iterdir() if each.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["trials.jsonl", ".npz"])
def test_a_full_disk_under_the_journal_or_the_samples_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kept = a_run(tmp_path)
    kept.append(make_trial(), b"")
    fsync = os.fsync

    def full(descriptor: int) -> None:
        if name in Path(f"/proc/self/fd/{descriptor}").readlink().name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(EnvironmentFailure, match=rf"{name} cannot be written"):
        kept.append(make_trial(), b"")
    assert len(run_folder.read(kept.folder).trials) == 1


def test_names_of_runs_sort_by_time() -> None:
    names = [run_folder.new_run_id(STARTED_AT_S + later, seed=-1) for later in (0, 1, 86400)]

    assert names == sorted(names)
    assert names[0] == "20260921-141320-ffff"


def test_versions_are_taken_out_of_the_greeting() -> None:
    greeting = {"event": "hello", "protocol": 1, "locust": "2.47.0", "python": "3.13.5", "pid": 7}

    assert run_folder.versions_of(greeting) == {"locust": "2.47.0", "python": "3.13.5"}
