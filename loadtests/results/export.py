"""Writes the raw samples of a run as a table with a row a request, for other tools.

It works trial by trial, so a run of any length needs the memory of one trial.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

from loadtests import __version__
from loadtests.analysis import request_table
from loadtests.analysis.request_table import Rows, Texts
from loadtests.model.errors import UsageError
from loadtests.results import run_folder
from loadtests.results.run_folder import Recorded
from loadtests.tools import files

Write = Callable[[Rows], None]
"""Writes the rows of one trial."""

Open = Callable[[Path], AbstractContextManager[Write]]
"""Opens a file for rows."""

WAY_OUT = "--output FILE"

FORMATS = ("csv", "parquet")

PARQUET_WAY_OUT = (
    "Install it: pip install 'twofold[parquet]', in this project's own environment"
    " .venv/bin/pip install -r requirements/parquet.txt; or take --samples csv."
)


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written; ``unnamed`` counts trials of old runs, whose samples have no texts."""

    run_id: str
    format: str
    rows: int
    trials: int
    unnamed: int
    file: str | None


def to_file(folder: Path, kind: str, path: Path | None) -> Exported:
    """Write the samples of a run to a file, by default to ``samples.<kind>`` in its folder.

    A link is followed. What is no plain file, such as ``/dev/null`` or a pipe, is written into.

    Raises :class:`UsageError` where the run has no samples, or where pyarrow is missing.
    """
    recorded = run_folder.read(folder)
    target = folder / f"samples.{kind}" if path is None else path
    opened: Open = _parquet(recorded) if kind == "parquet" else _csv
    with (
        files.replacing(target, way_out=WAY_OUT) if path is None else _given(path) as place,
        opened(place) as write,
    ):
        return _export(folder, recorded, kind, write, file=str(target))


@contextmanager
def _given(path: Path) -> Iterator[Path]:
    """Yield where to write what a user's path is to hold."""
    with files.on_disk(path, WAY_OUT):
        if path.exists() and not path.is_file():
            yield path  # a file in its place would take the device away from everybody
            return
        target = Path(os.path.realpath(path))
    with files.replacing(target, way_out=WAY_OUT) as temporary:
        yield temporary


def to_stream(folder: Path, stream: TextIO) -> Exported:
    """Write the samples of a run to a stream, as CSV."""
    recorded = run_folder.read(folder)
    return _export(folder, recorded, "csv", _csv_writer(stream), file=None)


def _export(
    folder: Path, recorded: Recorded, kind: str, write: Write, *, file: str | None
) -> Exported:
    count = unnamed = 0
    for trial_rows in _rows(folder, recorded):
        write(trial_rows)
        count += len(trial_rows)
        unnamed += not trial_rows.named
    return Exported(
        run_id=recorded.facts.run_id,
        format=kind,
        rows=count,
        trials=len(recorded.trials),
        unnamed=unnamed,
        file=file,
    )


def _rows(folder: Path, recorded: Recorded) -> Iterable[Rows]:
    for trial in recorded.trials:
        samples = run_folder.read_samples(folder, trial)
        try:
            yield request_table.read(trial, samples)
        except ValueError as error:
            raise UsageError(
                f"{run_folder.samples_path(folder, trial)} holds no readable samples"
                f" ({error})."
                " The journal and the reports of the run do not need this file."
            ) from error


@contextmanager
def _csv(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        yield _csv_writer(file)


def _csv_writer(stream: TextIO) -> Write:
    stream.write(request_table.csv_head())
    return lambda trial_rows: _write_text(stream, request_table.csv_text(trial_rows))


def _write_text(stream: TextIO, text: str) -> None:
    stream.write(text)


def _parquet(recorded: Recorded) -> Open:
    arrow, parquet = _pyarrow()

    @contextmanager
    def opened(path: Path) -> Iterator[Write]:
        schema = _schema(arrow, recorded)
        with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
            yield lambda trial_rows: writer.write_table(_table(arrow, schema, trial_rows))

    return opened


def _pyarrow() -> tuple[ModuleType, ModuleType]:
    """Import pyarrow here, because it is large and optional."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise UsageError(
            f"Parquet needs pyarrow, which is not installed ({error}). {PARQUET_WAY_OUT}"
        ) from error
    return pa, parquet


def _schema(arrow: ModuleType, recorded: Recorded) -> Any:
    """Return the schema of a run's rows, with the run's facts as metadata."""
    types = {name: arrow.string() for name in request_table.COLUMNS}
    types |= dict.fromkeys(("round", "position", "replicas", "status"), arrow.int32())
    types |= dict.fromkeys(("due_us", "sent_us", "done_us"), arrow.int64())
    types |= dict.fromkeys(("set_aside", "in_window"), arrow.bool_())
    facts = {"run_id": recorded.facts.run_id, "command": recorded.facts.command}
    return arrow.schema(types.items(), metadata={"twofold": __version__, **facts})


def _table(arrow: ModuleType, schema: Any, trial_rows: Rows) -> Any:
    """Return one trial's rows as a table; what is unknown is null."""
    spec, count = trial_rows.trial.spec, len(trial_rows)
    constants = {
        "trial": spec.id,
        "round": spec.round,
        "position": spec.position,
        "worker": spec.cell.worker,
        "workload": spec.cell.workload,
        "replicas": spec.cell.replicas,
        "set_aside": trial_rows.trial.set_aside is not None,
    }
    columns = {
        field.name: arrow.repeat(arrow.scalar(constants[field.name], field.type), count)
        if field.name in constants
        else _column(arrow, getattr(trial_rows, field.name), field.type)
        for field in schema
    }
    return arrow.table(columns, schema=schema)


def _column(arrow: ModuleType, values: Any, kind: Any) -> Any:
    if not isinstance(values, Texts):
        return arrow.array(values, type=kind)
    table = arrow.array([text or None for text in values.table], type=kind)
    return table.take(arrow.array(values.index))
