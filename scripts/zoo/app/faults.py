"""Puts faults into an application that is already assembled."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, request, request_started
from werkzeug.exceptions import InternalServerError

from app.application import Application, this_app
from scripts.zoo.app.burner import Burner
from scripts.zoo.app.module_context import isolation
from scripts.zoo.app.switches import Switches

BURNING = "work.cpu"
"""The endpoint whose requests burn CPU."""
FAILING = ("work.cpu", "work.io")
"""The endpoints whose requests fail."""


def install(app: Application, switches: Switches) -> None:
    """Put into ``app`` those faults that are on.

    Two are not installed here: /serial reads its own switches, and the application's class decides
    where state is kept.
    """
    views = app.view_functions
    if switches.burn_percent:
        _burn_at_start(app, lambda: switches.burn_percent)
    if switches.slower_percent_per_minute:
        started_s, rate = time.monotonic(), switches.slower_percent_per_minute / 60
        _burn_at_start(app, lambda: rate * (time.monotonic() - started_s))
    if switches.error_percent:
        app.before_request(_failing(switches.error_percent))
    if switches.store_rows:
        views["items.read"] = _counting_rows(views["items.read"], switches.store_rows)
    if switches.module_context:
        views["context.isolation"] = isolation


def _burn_at_start(app: Application, percent: Callable[[], float]) -> None:
    """Burn CPU whenever Flask signals that a request to /cpu has started."""
    burner = Burner()

    def burn(_sender: Flask, **_extra: Any) -> None:
        if request.endpoint == BURNING:
            burner.burn(percent())

    # By default a signal holds its receiver weakly, and this one would be gone at once.
    request_started.connect(burn, app, weak=False)


def _failing(percent: float) -> Callable[[], None]:
    """Return a hook that fails evenly: of any 100 requests in a row to an endpoint, ``percent``."""
    counts = {endpoint: itertools.count(1) for endpoint in FAILING}

    def fail() -> None:
        if request.endpoint not in counts:
            return
        number = next(counts[request.endpoint])
        if int(number * percent / 100) > int((number - 1) * percent / 100):
            raise InternalServerError(f"One of those that fail: ERROR_PERCENT={percent:g}.")

    return fail


def _counting_rows(view: Callable[..., Any], rows: int) -> Callable[..., Any]:
    """Wrap a view: the store counts rows first, which takes about 1 ms for 10,000."""

    @wraps(view)
    def count() -> Any:
        this_app().store.row("SELECT count(*) FROM generate_series(1, %s)", rows)
        return view()

    return count
