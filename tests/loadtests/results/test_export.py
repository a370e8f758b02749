import builtins
import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from loadtests.analysis import request_table
from loadtests.cli.boundary import run_command_line
from loadtests.model import errors
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.model.trial import Trial
from loadtests.results import export, run_folder
from loadtests.results.run_folder import Store
from tests.checkout import CHECKOUT
from tests.loadtests.analysis.test_request_table import make_raw
from tests.loadtests.builders import make_facts, make_machine, make_plan, make_trials
from tests.loadtests.fakes import sample_bytes

PLAN = make_plan(replica_counts=(1, 2), rounds=2)
REQUESTS = 50


def a_run(results: Path, *, tables: bool = True) -> tuple[Store, Sequence[Trial]]:
    """Keep a run of four trials with fifty requests each, the last of which failed."""
    kept = Store.create(results, "20260921-101500-0001")
    kept.begin(make_facts(), make_machine(), PLAN)
    trials = make_trials(PLAN)
    samples = sample_bytes(
        done_us=range(0, 40_000 * REQUESTS, 40_000), outcome=[0] * (REQUESTS - 1) + [2]
    )
    for trial in trials:
        kept.append(trial, request_table.with_tables(make_raw(samples)) if tables else samples)
    return kept, trials


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))


def without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *words: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError("No module named 'pyarrow'")
        return real(name, *words, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_every_request_of_every_trial_is_a_row_in_the_journals_order(tmp_path: Path) -> None:
    kept, trials = a_run(tmp_path)

    done = export.to_file(kept.folder, "csv", None)

    found = read_csv(kept.folder / "samples.csv")
    assert (done.rows, done.trials, done.unnamed) == (4 * REQUESTS, 4, 0)
    assert [row["trial"] for row in found] == [t.spec.id for t in trials for _ in range(REQUESTS)]
    assert sum(row["outcome"] == "timeout" for row in found) == 4


def test_a_trial_is_read_when_the_one_before_it_is_written(tmp_path: Path) -> None:
    kept, trials = a_run(tmp_path)
    stream = io.StringIO()
    run_folder.samples_path(kept.folder, trials[-1]).unlink()

    with pytest.raises(UsageError, match="are missing"):
        export.to_stream(kept.folder, stream)

    assert stream.getvalue().count("\r\n") == 3 * REQUESTS + 1


def test_an_export_that_fails_leaves_no_half_file(tmp_path: Path) -> None:
    kept, trials = a_run(tmp_path)
    run_folder.samples_path(kept.folder, trials[-1]).write_bytes(b"PK\x03\x04 cut off")
    before = sorted(kept.folder.iterdir())

    with pytest.raises(UsageError, match="holds no readable samples"):
        export.to_file(kept.folder, "csv", None)

    assert sorted(kept.folder.iterdir()) == before


def test_a_place_that_cannot_be_written_is_named_with_the_option(tmp_path: Path) -> None:
    kept, _ = a_run(tmp_path)

    with pytest.raises(EnvironmentFailure, match=r"/nowhere/x.csv cannot be written .*--output"):
        export.to_file(kept.folder, "csv", tmp_path / "nowhere/x.csv")


@pytest.fixture
def device(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """Something that is no plain file, as /dev/null is none, and what reads from it."""
    place = tmp_path / "device"
    os.mkfifo(place)
    reader = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
    yield place, reader
    os.close(reader)


@pytest.mark.parametrize("by_link", [False, True])
def test_a_device_is_written_into_and_stays(
    tmp_path: Path, device: tuple[Path, int], by_link: bool
) -> None:
    kept, _ = a_run(tmp_path)
    place, reader = device
    target = tmp_path / "link" if by_link else place
    if by_link:
        target.symlink_to(place)

    done = export.to_file(kept.folder, "csv", target)

    assert done.file == str(target)
    assert os.read(reader, 1 << 16).startswith(b"trial,")
    assert (place.is_fifo(), target.is_symlink()) == (True, by_link)
    assert {path.name for path in tmp_path.iterdir()} == {kept.folder.name, "device", target.name}


def test_a_link_to_a_file_is_followed_and_the_file_is_written_as_a_whole(tmp_path: Path) -> None:
    kept, trials = a_run(tmp_path)
    link, file = tmp_path / "link.csv", tmp_path / "elsewhere/all.csv"
    file.parent.mkdir()
    link.symlink_to(file)

    export.to_file(kept.folder, "csv", link)  # not there yet
    rows = len(read_csv(file))
    run_folder.samples_path(kept.folder, trials[-1]).unlink()
    with pytest.raises(UsageError, match="are missing"):
        export.to_file(kept.folder, "csv", link)

    assert link.is_symlink()
    assert rows == len(read_csv(file)) == 4 * REQUESTS


def test_parquet_without_pyarrow_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, _ = a_run(tmp_path)
    without_pyarrow(monkeypatch)

    with pytest.raises(UsageError, match=r"pip install 'twofold\[parquet\]'.*--samples csv"):
        export.to_file(kept.folder, "parquet", None)

    assert not (kept.folder / "samples.parquet").exists()


def test_parquet_holds_what_the_csv_holds(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs requirements/parquet.txt")
    kept, _ = a_run(tmp_path)
    export.to_file(kept.folder, "csv", None)
    export.to_file(kept.folder, "parquet", None)

    table = parquet.read_table(kept.folder / "samples.parquet")

    assert [
        {name: text_of(value) for name, value in row.items()} for row in table.to_pylist()
    ] == read_csv(kept.folder / "samples.csv")
    assert table.schema.metadata[b"run_id"] == b"20260921-101500-0001"
    assert parquet.ParquetFile(kept.folder / "samples.parquet").num_row_groups == 4


def text_of(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


# -- the command -------------------------------------------------------------------------------


def call(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = run_command_line(["export", *argv])
    streams = capsys.readouterr()
    return code, streams.out, streams.err


def test_the_latest_run_is_exported_beside_its_reports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, _ = a_run(tmp_path)

    code, out, err = call(capsys, "--out", str(tmp_path))

    target = kept.folder / "samples.csv"
    assert (code, out, err) == (0, f"200 requests of 4 trials: {target}\n", "")
    assert target.is_file()


def test_json_is_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, _ = a_run(tmp_path)
    target = tmp_path / "elsewhere.csv"

    code, out, _ = call(capsys, str(kept.folder), "--output", str(target), "--json")

    assert code == errors.EXIT_YES
    assert json.loads(out) == {
        "run_id": "20260921-101500-0001",
        "format": "csv",
        "rows": 200,
        "trials": 4,
        "unnamed": 0,
        "file": str(target),
    }


def test_a_dash_is_standard_output_and_nothing_else_stands_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, _ = a_run(tmp_path)

    code, out, err = call(capsys, str(kept.folder), "--output", "-")

    assert code == errors.EXIT_YES
    assert len(out.splitlines()) == 201
    assert "200 requests of 4 trials: standard output" in err
    assert not (kept.folder / "samples.csv").exists()


def test_trials_without_names_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, _ = a_run(tmp_path, tables=False)

    code, _, err = call(capsys, str(kept.folder))

    assert code == errors.EXIT_YES
    assert "4 of 4 trials were saved without names" in err


@pytest.mark.parametrize("words", [("--json",), ("--samples", "parquet")])
def test_standard_output_is_for_csv_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: Sequence[str]
) -> None:
    kept, _ = a_run(tmp_path)

    code, out, err = call(capsys, str(kept.folder), "--output", "-", *words)

    assert (code, out) == (errors.EXIT_USAGE, "")
    assert "--output FILE" in err


def test_a_published_run_without_its_samples_is_one_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sample = CHECKOUT / "results/sample"

    code, out, err = call(capsys, str(sample))

    assert (code, out) == (errors.EXIT_USAGE, "")
    assert "published runs have none" in err
    assert not (sample / "samples.csv").exists()
