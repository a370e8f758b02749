from __future__ import annotations

from time import monotonic, time
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from geventhttpclient.response import HTTPConnectionClosed
from locust.exception import CatchResponseError
from requests.exceptions import ReadTimeout

from loadtests.generator.http.other_clients import outcome_of, record_other_clients
from loadtests.generator.http.outcome import Outcome
from tests.loadtests.generator.conftest import OK, Asker, Serve, answering


@pytest.mark.parametrize(
    ("status", "error", "outcome"),
    [
        (200, None, Outcome.OK),
        (404, None, Outcome.OK),  # the locustfile called it a success
        (404, RuntimeError("bad status"), Outcome.STATUS),
        (200, CatchResponseError("no"), Outcome.REJECTED),
        (0, ConnectionRefusedError(), Outcome.REFUSED),
        (0, ConnectionResetError(), Outcome.RESET),
        (0, TimeoutError(), Outcome.TIMEOUT),
        (0, ReadTimeout(), Outcome.TIMEOUT),
        (0, gevent.Timeout(), Outcome.TIMEOUT),
        (0, HTTPConnectionClosed(), Outcome.CLOSED_EARLY),
        (0, RuntimeError(), Outcome.OTHER),
    ],
)
def test_what_locusts_clients_report_is_counted_by_its_kind(
    status: int, error: BaseException | None, outcome: Outcome
) -> None:
    assert outcome_of(status, error) is outcome


def test_a_request_of_locusts_clients_is_a_row_with_its_own_times(serve: Serve) -> None:
    asker = Asker(serve(answering(OK)))
    asker.environment.load = asker.load  # type: ignore[attr-defined]
    record_other_clients(asker.environment)
    fire: Any = asker.environment.events.request.fire

    response = SimpleNamespace(status_code=200, headers={"X-Upstream-Addr": "a:1"})
    before = monotonic()
    fire(
        request_type="GET",
        name="/x",
        response_time=20.0,
        response_length=2,
        response=response,
        start_time=time() - 0.05,
        exception=None,
    )

    samples = asker.recorder.samples(before)
    assert (samples.names, samples.replicas) == (("/x",), ("a:1",))
    sent_us, done_us = int(samples.columns["sent_us"][0]), int(samples.columns["done_us"][0])
    assert done_us - sent_us == pytest.approx(20_000, abs=1)
    assert sent_us == pytest.approx(-50_000, abs=5_000)


def test_requests_of_our_own_client_are_not_recorded_twice(serve: Serve) -> None:
    asker = Asker(serve(answering(OK)))
    asker.environment.load = asker.load  # type: ignore[attr-defined]
    record_other_clients(asker.environment)
    event: Any = asker.environment.events.request
    event.add_listener(lambda **_values: None)

    asker.client.get("/")

    assert len(asker.recorder) == 1
