"""Open loops of the user's own loads: each arrival is sent and counted once, whatever stalls."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.loadtests.generator.child import Child
from tests.loadtests.generator.small_app import SmallApp
from tests.loadtests.generator.stub_server import stub_server
from tests.loadtests.generator.user_load.test_trials import LOGIN, child, counts, written

__all__ = ["child"]

pytestmark = [pytest.mark.slow, pytest.mark.parallel]  # a generator, and its trials


def test_an_open_trial_of_a_locustfile_has_exactly_its_arrivals_and_logins_apart(
    child: Child, tmp_path: Path
) -> None:
    app = SmallApp(login_page=True)
    with stub_server(app.answering) as (url, _):
        answered = child.trial(
            base_url=url,
            locustfile=written(tmp_path, LOGIN),
            mode="open",
            rate_rps=100,
            arrivals="constant",
            window_s=1.0,
        )

    assert counts(answered)["GET /cart"] == 110
    assert answered.finished["start_requests"] == counts(answered)["POST /login"]
    assert answered.finished["dropped"] == 0


def test_a_generator_that_stands_still_as_the_window_ends_loses_no_arrival_and_no_user(
    child: Child, tmp_path: Path
) -> None:
    def stand_still() -> None:
        time.sleep(0.25)
        child.process.send_signal(signal.SIGSTOP)
        time.sleep(0.15)
        child.process.send_signal(signal.SIGCONT)

    order: dict[str, Any] = {"mode": "open", "rate_rps": 100, "arrivals": "constant"}
    app = SmallApp(login_page=True)
    with stub_server(app.answering) as (url, _):
        order |= {"base_url": url, "locustfile": written(tmp_path, LOGIN), "window_s": 0.35}
        trials = [child.trial(stand_still, **order) for _ in range(3)]

    for answered in trials:
        login = answered.finished["names"].index("POST /login")
        due_us = answered.columns["due_us"][answered.columns["name"] != login].tolist()
        assert due_us == pytest.approx(list(range(-100_000, 350_000, 10_000)), abs=2)
        assert answered.finished["dropped"] == 0
    assert app.counts["GET /cart"] == 3 * 45
