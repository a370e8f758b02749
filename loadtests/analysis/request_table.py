"""The raw samples of a trial as a table with a row a request, for other tools. PURE.

In a trial's ``.npz``, outcomes, replicas and names are indices into tables in the same file. The
oldest runs have no such tables; their texts are unknown.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadtests.analysis.samples import MICROSECONDS
from loadtests.model.generator_records import RawTrial
from loadtests.model.trial import Trial

Integers = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]

COLUMNS = (
    "trial",
    "round",
    "position",
    "worker",
    "workload",
    "replicas",
    "set_aside",
    "due_us",
    "sent_us",
    "done_us",
    "in_window",
    "status",
    "outcome",
    "replica",
    "name",
)
"""The columns in order. Moments are microseconds since the trial's window opened. ``set_aside``
marks a discarded trial, and ``in_window`` a request that ended inside the window."""

UNKNOWN = ""
"""The text of an index that is in no table: CSV has no null."""


@dataclass(frozen=True, kw_only=True)
class Texts:
    """A column of texts: each row's index into a table, whose last entry is ``UNKNOWN``."""

    table: tuple[str, ...]
    index: Integers


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The requests of one trial, with warm-up and drain, in the order of their due times.

    Moments are in microseconds since the window opened.
    """

    trial: Trial
    due_us: Integers
    sent_us: Integers
    done_us: Integers
    in_window: Flags
    status: Integers
    outcome: Texts
    replica: Texts
    name: Texts

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self.done_us)

    @property
    def named(self) -> bool:
        """Whether the samples came with their tables."""
        return len(self.outcome.table) > 1


def with_tables(raw: RawTrial) -> bytes:
    """Return a trial's samples with the tables of their texts, as one ``.npz``.

    A replica has its name in the run where its address is known, and else its address.
    """
    tables: dict[str, Sequence[str]] = {
        "outcomes": raw.finished.outcomes,
        "replicas": [raw.addresses.get(address, address) for address in raw.finished.replicas],
        "names": raw.finished.names,
    }
    file = io.BytesIO(raw.samples)
    with zipfile.ZipFile(file, "a") as archive:
        for name, table in tables.items():
            packed = io.BytesIO()
            np.lib.format.write_array(packed, np.array(table, dtype=np.str_), allow_pickle=False)
            archive.writestr(f"{name}.npy", packed.getvalue())
    return file.getvalue()


def read(trial: Trial, samples: bytes) -> Rows:
    """Return the rows of a trial's ``.npz``; raise ValueError where the bytes are no such file."""
    try:
        return _read(trial, samples)
    except (KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(str(error)) from error


def _read(trial: Trial, samples: bytes) -> Rows:
    with np.load(io.BytesIO(samples), allow_pickle=False) as archive:
        done_us = archive["done_us"]
        inside = (done_us >= 0) & (done_us < round(trial.window_s * MICROSECONDS))
        return Rows(
            trial=trial,
            due_us=archive["due_us"],
            sent_us=archive["sent_us"],
            done_us=done_us,
            in_window=inside,
            status=archive["status"],
            outcome=_texts(archive, "outcome", "outcomes"),
            replica=_texts(archive, "replica", "replicas"),
            name=_texts(archive, "name", "names"),
        )


def csv_head() -> str:
    """Return the header of a CSV (RFC 4180)."""
    return _csv_line(COLUMNS) + "\r\n"


def csv_text(rows: Rows) -> str:
    """Return the rows of a trial as CSV (RFC 4180); what is unknown is an empty field."""
    spec = rows.trial.spec
    of_the_trial = _csv_line(
        (
            spec.id,
            str(spec.round),
            str(spec.position),
            spec.cell.worker,
            spec.cell.workload,
            str(spec.cell.replicas),
            _flag(flag=rows.trial.set_aside is not None),
        )
    )
    columns = zip(
        rows.due_us.tolist(),
        rows.sent_us.tolist(),
        rows.done_us.tolist(),
        map(("false", "true").__getitem__, rows.in_window.tolist()),
        rows.status.tolist(),
        *(_csv_texts(texts) for texts in (rows.outcome, rows.replica, rows.name)),
        strict=True,
    )
    return "".join(
        f"{of_the_trial},{due},{sent},{done},{inside},{status},{outcome},{replica},{name}\r\n"
        for due, sent, done, inside, status, outcome, replica, name in columns
    )


def _texts(archive: np.lib.npyio.NpzFile, column: str, table: str) -> Texts:
    texts = tuple(archive[table].tolist()) if table in archive else ()
    index = archive[column]
    is_known = (index >= 0) & (index < len(texts))
    return Texts(table=(*texts, UNKNOWN), index=np.where(is_known, index, len(texts)))


def _csv_texts(texts: Texts) -> list[str]:
    quoted = [_csv_line((text,)) if text else UNKNOWN for text in texts.table]
    return [quoted[index] for index in texts.index.tolist()]


def _csv_line(fields: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(fields)
    return text.getvalue().removesuffix("\r\n")


def _flag(*, flag: bool) -> str:
    return "true" if flag else "false"
