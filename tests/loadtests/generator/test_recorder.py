from __future__ import annotations

import numpy as np
import pytest

from loadtests.generator import recorder as recorder_module
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.recorder import NO_REPLICA, Recorder
from loadtests.generator.samples import MOST_ENTRIES, OTHERS


def recorder_with_rows(count: int) -> Recorder:
    recorder = Recorder()
    name = recorder.name_index("/")
    replica = recorder.replica_index(b"10.0.0.1:80")
    for number in range(count):
        sent = 100.0 + number / 1000
        recorder.add(sent - 0.001, sent, sent + 0.0025, 200, Outcome.OK, replica, name)
    return recorder


def test_moments_are_whole_microseconds_since_the_window_opened() -> None:
    columns = recorder_with_rows(2).samples(opened=100.0005).columns

    assert columns["due_us"].tolist() == [-1500, -500]
    assert columns["sent_us"].tolist() == [-500, 500]
    assert columns["done_us"].tolist() == [2000, 3000]
    assert {str(columns[key].dtype) for key in ("due_us", "sent_us", "done_us")} == {"int64"}
    assert {str(columns[key].dtype) for key in ("status", "outcome", "replica", "name")} == {
        "int16"
    }


def test_rows_come_in_the_order_in_which_they_were_due() -> None:
    recorder = Recorder()
    for due, status in ((3.0, 203), (1.0, 201), (2.0, 202)):
        recorder.add(due, due, 9.0 - due, status, Outcome.OK, NO_REPLICA, 0)

    columns = recorder.samples(0.0).columns

    assert columns["status"].tolist() == [201, 202, 203]
    assert columns["done_us"].tolist() == [8e6, 7e6, 6e6]


def test_tables_name_what_the_indices_stand_for() -> None:
    recorder = Recorder()

    assert [recorder.name_index(name) for name in ("/b", "/a", "/b")] == [0, 1, 0]
    assert [recorder.replica_index(name) for name in (None, b"x", b"y", b"x")] == [
        NO_REPLICA,
        0,
        1,
        0,
    ]
    samples = recorder.samples(0.0)
    assert (samples.names, samples.replicas) == (("/b", "/a"), ("x", "y"))


def test_tables_have_an_end_whatever_an_application_makes_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recorder_module, "MOST_ENTRIES", 3)
    recorder = Recorder()

    names = [recorder.name_index(f"/{number}") for number in range(6)]
    replicas = [recorder.replica_index(b"%d" % number) for number in range(6)]

    assert names == replicas == [0, 1, 2, 2, 2, 2]
    assert recorder.name_index("/1") == 1
    samples = recorder.samples(0.0)
    assert samples.names == ("/0", "/1", OTHERS)
    assert samples.replicas == ("0", "1", OTHERS)


def test_a_trial_with_more_made_up_replicas_than_an_index_can_count_is_recorded() -> None:
    recorder = Recorder()
    for number in range(40_000):
        recorder.add(0, 0, 0, 200, Outcome.OK, recorder.replica_index(b"%d" % number), 0)

    samples = recorder.samples(0.0)

    assert len(samples.replicas) == MOST_ENTRIES
    assert (samples.columns["replica"] == MOST_ENTRIES - 1).sum() == 40_000 - MOST_ENTRIES + 1


def test_a_made_up_replica_is_kept_in_part() -> None:
    recorder = Recorder()
    recorder.replica_index(b"x" * 10_000)

    assert recorder.samples(0.0).replicas == ("x" * recorder_module.MOST_BYTES,)


def test_percentiles_of_the_columns_are_exact() -> None:
    rng = np.random.default_rng(1)
    taken_s = rng.lognormal(-6, 1, size=5_000)
    recorder = Recorder()
    for number, taken in enumerate(taken_s.tolist()):
        recorder.add(number, number, number + taken, 200, Outcome.OK, NO_REPLICA, 0)

    columns = recorder.samples(0.0).columns
    measured_us = columns["done_us"] - columns["sent_us"]

    for percent in (50, 90, 99, 99.9):
        exact_us = np.percentile(taken_s, percent) * 1e6
        assert abs(np.percentile(measured_us, percent) - exact_us) <= 1  # the columns' unit


def test_a_row_takes_forty_bytes_at_most_until_it_is_spilled() -> None:
    recorder = recorder_with_rows(10_000)

    columns = vars(recorder)
    held = sum(
        len(columns[key]) * columns[key].itemsize
        for key in columns
        if hasattr(columns[key], "itemsize")
    )

    assert held / len(recorder) <= 40


def test_made_up_names_of_replicas_in_redirects_share_one_entry() -> None:
    recorder = Recorder()
    for number in range(MOST_ENTRIES + 10):
        recorder.add_redirect(b"%d" % number)

    redirects = recorder.samples(0.0).redirects
    assert len(redirects) == MOST_ENTRIES
    assert redirects[OTHERS] == 11
