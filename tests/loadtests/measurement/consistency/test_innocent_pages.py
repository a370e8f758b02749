"""Pages that show what was asked, and reads of what was written, never break by that alone."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from loadtests.gate.analysis.consistency_guard import Compared, folded
from loadtests.model.consistency import ProbeState
from tests.loadtests.measurement.consistency import innocent_pages as pages
from tests.loadtests.measurement.consistency.innocent_pages import INNOCENT_PAGES, shop
from tests.loadtests.measurement.consistency.site import Make, asked, breaks, request

FIELDS: dict[str, dict[str, Any]] = {
    "POST /items": {"json": {"id": "{1000..9999}"}},
    "PUT /items/{1000..9999}": {"json": {"price": 7}},
    "PUT /profile/{1..500}": {"json": {"city": "Berlin"}},
    "PUT /profile/17": {"json": {"city": "Berlin"}},
    "POST /notes": {"json": {"text": "buy some milk"}},
}

LOADS = [(make, load) for make, loads in INNOCENT_PAGES.items() for load in loads]


def broken_in(make: Make, load: tuple[str, ...], *, seeds: int) -> list[str]:
    """Give what is called broken, with two and four servers of one and of four processes."""
    random.seed(make.__name__)
    requests = [request(line, **FIELDS.get(line, {})) for line in load]
    return [
        result.detail
        for servers, processes in itertools.product((1, 2, 4), (1, 4))
        for seed in range(seeds)
        for result in breaks(
            asked(make, *requests, servers=servers, processes=processes, seed=seed, grows=True)
        )
    ]


@pytest.mark.parametrize(("make", "load"), LOADS)
def test_an_application_that_answers_as_one_never_breaks(make: Make, load: tuple[str, ...]) -> None:
    assert broken_in(make, load, seeds=1) == []


@pytest.mark.parametrize("seed", [1, 6])
def test_a_page_that_logs_reads_shows_the_address_before_it_is_written(seed: int) -> None:
    """With these seeds, no process of another server that is asked again has seen that read."""
    load = ("POST /items", "GET /items/{1000..9999}", "GET /metrics")
    requests = [request(line, **FIELDS.get(line, {})) for line in load]

    results = asked(pages.last_requests, *requests, servers=4, processes=4, seed=seed)

    assert breaks(results) == []


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize(("make", "load"), LOADS)
def test_nor_does_it_in_any_of_120_runs(make: Make, load: tuple[str, ...]) -> None:
    assert broken_in(make, load, seeds=20) == []


@pytest.mark.parametrize("load", pages.LOADS_OF_METRICS)
@pytest.mark.parametrize(
    "head", [pages.metrics_by_path, pages.metrics_by_route, pages.last_requests]
)
def test_a_page_that_head_alone_has_is_not_suspect_in_a_gate(
    head: Make, load: tuple[str, ...]
) -> None:
    """Base answers it with 404, which says nothing."""
    requests = [request(line, **FIELDS.get(line, {})) for line in load]
    makes = (lambda shared, _: shop(shared), head)

    base, new = (
        {result.check: result for result in folded(asked(make, *requests, seed=1))}
        for make in makes
    )

    assert base["GET /metrics"].state is ProbeState.UNCHECKED
    assert new["GET /metrics"].state is not ProbeState.UNCHECKED
    for check, result in new.items():
        tries = (base[check],) if check in base else ()
        assert not Compared(check=check, base=tries, head=(result,)).suspect
