from __future__ import annotations

import numpy as np
import pytest

from loadtests.generator import samples as samples_module
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.recorder import NO_REPLICA, Recorder
from loadtests.generator.samples import OTHERS, Samples, merge, pack, unpack


def samples(*rows: tuple[float, Outcome, str | None, str]) -> Samples:
    recorder = Recorder()
    for due, outcome, replica, name in rows:
        recorder.add(
            due,
            due,
            due + 0.001,
            200 if outcome is Outcome.OK else 0,
            outcome,
            recorder.replica_index(replica.encode() if replica else None),
            recorder.name_index(name),
        )
    return recorder.samples(0.0)


def test_dropped_requests_were_not_sent_and_rejected_ones_were_answered() -> None:
    counted = samples(
        (1, Outcome.OK, "a", "/"),
        (2, Outcome.STATUS, "a", "/"),
        (3, Outcome.REJECTED, "a", "/"),
        (4, Outcome.DROPPED, None, "/"),
        (5, Outcome.TIMEOUT, None, "/"),
    )

    assert (counted.sent, counted.answered, counted.count(Outcome.DROPPED)) == (4, 3, 1)


def test_merged_samples_are_in_order_and_point_into_common_tables() -> None:
    merged = merge(
        [
            samples((1, Outcome.OK, "a", "/x"), (3, Outcome.OK, "b", "/y")),
            samples((2, Outcome.OK, "b", "/y"), (4, Outcome.TIMEOUT, None, "/z")),
        ]
    )

    assert merged.columns["due_us"].tolist() == [1e6, 2e6, 3e6, 4e6]
    assert [merged.replicas[index] for index in merged.columns["replica"][:3]] == ["a", "b", "b"]
    assert merged.columns["replica"][3] == NO_REPLICA
    assert [merged.names[index] for index in merged.columns["name"]] == ["/x", "/y", "/y", "/z"]


def test_merging_with_a_process_that_did_nothing_changes_nothing() -> None:
    part = samples((1, Outcome.OK, "a", "/"))

    merged = merge([Recorder().samples(0.0), part])

    assert merged.names == part.names
    assert all((merged.columns[key] == part.columns[key]).all() for key in part.columns)


def test_tables_of_many_processes_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples_module, "MOST_ENTRIES", 2)
    parts = [samples((number, Outcome.OK, str(number), "/")) for number in range(4)]

    merged = merge([*parts, samples((9, Outcome.TIMEOUT, None, "/"))])

    assert merged.replicas == ("0", "1", OTHERS)
    assert merged.columns["replica"].tolist() == [0, 1, 2, 2, NO_REPLICA]


def test_packed_columns_come_back_as_they_were() -> None:
    columns = samples((1, Outcome.OK, "a", "/"), (2, Outcome.TIMEOUT, None, "/")).columns

    back = unpack(pack(columns))

    assert back.keys() == columns.keys()
    assert all((back[key] == columns[key]).all() for key in columns)
    assert all(back[key].dtype == columns[key].dtype for key in columns)


def test_a_hundred_thousand_requests_pack_into_less_than_a_megabyte() -> None:
    recorder = Recorder()
    for number in range(100_000):
        sent = number * 2.5e-5
        recorder.add(sent, sent, sent + 3e-4 + number % 97 * 1e-6, 200, Outcome.OK, number % 4, 0)

    assert len(pack(recorder.samples(0.0).columns)) < 1_000_000
    assert np.iinfo(np.int16).max > len(Outcome)
