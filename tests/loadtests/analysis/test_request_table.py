import csv
import io
from typing import Any

import numpy as np
import pytest

from loadtests.analysis import request_table
from loadtests.analysis.request_table import Rows
from loadtests.analysis.samples import read_columns
from loadtests.model.generator_records import Edge, Finished, RawTrial
from tests.loadtests.builders import make_cell, make_spec, make_trial
from tests.loadtests.fakes import finished_event, sample_bytes

EMPTY = Edge(members=(), host=None, harness_cpu_s=0.0)


def make_raw(samples: bytes, **fields: Any) -> RawTrial:
    event = finished_event(**fields)
    del event["event"]
    return RawTrial(
        spec=make_spec(),
        users=4,
        finished=Finished(**event),
        samples=samples,
        opened=EMPTY,
        closed=EMPTY,
        proxy_requests=None,
        replica_requests=None,
        addresses={"10.0.0.1:8000": "gthread-1"},
        identities={},
        wall_s=3.0,
    )


def three_requests(**columns: Any) -> bytes:
    return sample_bytes(done_us=[-10, 0, 2_500_000], **columns)


def kept(samples: bytes | None = None, *, trial: dict[str, Any] | None = None, **raw: Any) -> Rows:
    """Give the rows of a trial as a run keeps them, of a window of 2.5 s."""
    packed = request_table.with_tables(
        make_raw(three_requests() if samples is None else samples, **raw)
    )
    return request_table.read(make_trial(**(trial or {})), packed)


def parsed(found: Rows) -> list[dict[str, str]]:
    return list(
        csv.DictReader(
            io.StringIO(request_table.csv_head() + request_table.csv_text(found), newline="")
        )
    )


def test_the_tables_lie_beside_the_columns_which_stay_as_they_were() -> None:
    samples = three_requests(status=[200, 200, 503])

    packed = request_table.with_tables(make_raw(samples))

    assert np.array_equal(read_columns(packed).status, read_columns(samples).status)
    with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
        assert archive["replicas"].tolist() == ["gthread-1"]
        assert archive["outcomes"].tolist() == ["ok", "status", "timeout"]


def test_a_row_has_the_texts_of_its_numbers() -> None:
    found = parsed(
        kept(three_requests(outcome=[0, 1, 2], status=[200, 503, 0], replica=[0, 0, -1]))
    )

    assert [row["outcome"] for row in found] == ["ok", "status", "timeout"]
    assert [row["replica"] for row in found] == ["gthread-1", "gthread-1", ""]
    assert [row["name"] for row in found] == ["/cpu"] * 3


def test_an_unknown_replica_has_its_address() -> None:
    found = kept(replicas=["10.0.0.9:8000"])

    assert {row["replica"] for row in parsed(found)} == {"10.0.0.9:8000"}


def test_a_request_counts_from_the_windows_opening_to_just_before_its_end() -> None:
    assert [row["in_window"] for row in parsed(kept())] == ["false", "true", "false"]


def test_a_row_says_which_trial_it_is_of_and_whether_that_counts() -> None:
    spec = make_spec(cell=make_cell(replicas=2), round=3, position=5)

    (row, *_) = parsed(kept(trial={"spec": spec, "set_aside": "Other programs took 20 %"}))

    assert {name: row[name] for name in request_table.COLUMNS[:7]} == {
        "trial": spec.id,
        "round": "3",
        "position": "5",
        "worker": "gthread",
        "workload": "cpu",
        "replicas": "2",
        "set_aside": "true",
    }


@pytest.mark.parametrize("name", ['a,b"c', "线程\n", "%d {x}", "'"])
def test_names_from_users_stay_whole(name: str) -> None:
    spec = make_spec(cell=make_cell(worker=name))

    found = parsed(kept(trial={"spec": spec}, names=[name]))

    assert {(row["worker"], row["name"]) for row in found} == {(name, name)}


def test_samples_without_tables_have_numbers_and_no_texts() -> None:
    found = request_table.read(make_trial(), three_requests())

    assert not found.named
    assert [row["done_us"] for row in parsed(found)] == ["-10", "0", "2500000"]
    assert {row["outcome"] for row in parsed(found)} == {""}


def test_a_trial_without_a_request_has_no_row() -> None:
    found = kept(sample_bytes(done_us=[]))

    assert (len(found), request_table.csv_text(found)) == (0, "")


@pytest.mark.parametrize("cut", [0, 10, -200])
def test_what_is_no_archive_is_a_value_error(cut: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        request_table.read(make_trial(), three_requests()[:cut])


def test_an_archive_of_something_else_is_a_value_error() -> None:
    other = io.BytesIO()
    np.savez_compressed(other, something=np.array([1]))

    with pytest.raises(ValueError, match="done_us"):
        request_table.read(make_trial(), other.getvalue())
