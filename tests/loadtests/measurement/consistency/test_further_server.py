"""Where no further server is started, the checks say why, and go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from loadtests.measurement.consistency.undeclared import Means, Undeclared
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from loadtests.model.errors import EnvironmentFailure, GeneratorFailure
from loadtests.model.tested.workload import Workload
from tests.loadtests.measurement.consistency import broken_apps as apps
from tests.loadtests.measurement.consistency import innocent_apps
from tests.loadtests.measurement.consistency.site import Site, asked, plan_of, request

REQUESTS = (
    request("POST /notes", json={"text": "a note of {1000..9999}"}),
    request("GET /notes/{1..99}"),
)


def found(means: Means) -> tuple[ProbeResult, ...]:
    """Give the results of the checks of what servers share."""
    site = Site(innocent_apps.shared_database)
    agent: Any = site
    plan = plan_of(Workload(name="own", path="/", requests=REQUESTS))
    return Undeclared(agent, site.replicas, "shop.example:9001", means).check(plan, {})


def start_of(results: tuple[ProbeResult, ...]) -> ProbeResult:
    (start,) = [result for result in results if result.kind is ProbeKind.START]
    return start


def test_one_that_cannot_start_is_told_and_ends_nothing() -> None:
    @contextmanager
    def fails(_: str) -> Iterator[str]:
        raise EnvironmentFailure("The engine has no memory left for gthread-3.")
        yield ""  # what makes it a context

    results = found(Means(further_replica=fails))

    start = start_of(results)
    assert start.state is ProbeState.UNCHECKED
    assert start.detail == "The engine has no memory left for gthread-3."
    assert ProbeState.OK in {result.state for result in results}


def test_a_generator_that_dies_meanwhile_ends_the_checks() -> None:
    @contextmanager
    def fails(_: str) -> Iterator[str]:
        raise GeneratorFailure("The load generator ended.")
        yield ""  # what makes it a context

    with pytest.raises(GeneratorFailure):
        found(Means(further_replica=fails))


def test_where_nothing_shows_what_home_knows_that_is_said() -> None:
    write = request("POST /notes", json={"text": "hello"})

    start = start_of(asked(apps.sqlite_in_the_container, write, grows=True))

    assert start.state is ProbeState.UNCHECKED
    assert start.detail == (
        "No further server was started: no request of the load always shows what the first one"
        " knows of its client."
    )


def test_where_there_is_nothing_to_know_nothing_is_said() -> None:
    results = asked(innocent_apps.time_stamps, request("GET /"), grows=True)

    assert [result.kind for result in results] == [ProbeKind.ANSWER]


def test_a_stack_that_starts_none_may_say_so() -> None:
    start = start_of(found(Means(no_start="A gate starts no further server.")))

    assert start.state is ProbeState.UNCHECKED
    assert start.detail == "A gate starts no further server."
    assert ProbeKind.START not in {result.kind for result in found(Means())}
