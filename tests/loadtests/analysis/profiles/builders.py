"""Stacks and looks as a gunicorn server with a Flask application has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loadtests.model.profiles.records import CellProfile, Frame, Look, Stack, Waiting
from tests.loadtests.builders import make_cell

SITE = "/srv/venv/lib/python3.11/site-packages"


def frame(place: str, name: str) -> Frame:
    """Return a frame from ``file:line``."""
    file, _, line = place.rpartition(":")
    return Frame(file=file, line=int(line), name=name)


SERVER = (
    frame("/usr/lib/python3.11/threading.py:975", "_bootstrap"),
    frame("/usr/lib/python3.11/concurrent/futures/thread.py:58", "run"),
    frame(f"{SITE}/gunicorn/workers/gthread.py:771", "handle_request"),
)
"""The frames above a request of a thread of gunicorn."""

FLASK = (
    frame(f"{SITE}/flask/app.py:1478", "__call__"),
    frame(f"{SITE}/flask/app.py:852", "dispatch_request"),
)

LOCK_ROW = frame("/srv/shop/db.py:88", "lock_row")
RENDER = frame("/srv/shop/pages.py:12", "render")
EXECUTE = frame(f"{SITE}/psycopg/connection.py:901", "execute")

WAITING = Stack(
    frames=(*SERVER, *FLASK, LOCK_ROW, EXECUTE), kind=Waiting.STORE, peer="10.0.0.2:5432"
)
COMPUTING = Stack(frames=(*SERVER, *FLASK, RENDER), kind=Waiting.CPU)
IDLE = Stack(
    frames=(*SERVER[:2], frame("/usr/lib/python3.11/queue.py:171", "get")), kind=Waiting.LOCK
)

STACKS = (WAITING, COMPUTING, IDLE)


def make_profile(seen: Sequence[Sequence[int]], **fields: Any) -> CellProfile:
    """Return a profile whose looks saw these stacks, by their numbers in ``STACKS``."""
    defaults: dict[str, Any] = {
        "cell": make_cell(),
        "server": "gunicorn",
        "throughput_rps": 100.0,
        "mean_ms": 80.0,
        "window_s": 4.0,
        "processes": 1,
        "stacks": STACKS,
        "looks": tuple(
            Look(member="gthread-1", at_s=0.1 * number, stacks=tuple(stacks))
            for number, stacks in enumerate(seen)
        ),
    }
    return CellProfile(**defaults | fields)


LIB = "/usr/lib/python3.11"

UVICORN = (
    frame(f"{SITE}/uvicorn/server.py:67", "Server.run"),
    frame(f"{LIB}/asyncio/runners.py:190", "Runner.run"),
    frame(f"{LIB}/asyncio/base_events.py:640", "BaseEventLoop.run_until_complete"),
    frame(f"{LIB}/asyncio/base_events.py:607", "BaseEventLoop.run_forever"),
)
"""The frames of uvicorn's loop, whatever runs in it."""

RUNS_ASGI = (
    *UVICORN,
    frame(f"{LIB}/asyncio/events.py:84", "Handle._run"),
    frame(f"{SITE}/uvicorn/protocols/http/h11_impl.py:406", "RequestResponseCycle.run_asgi"),
    frame(f"{SITE}/fastapi/applications.py:1133", "FastAPI.__call__"),
    frame(f"{SITE}/starlette/routing.py:74", "request_response.<locals>.app"),
)
"""The frames above an endpoint of FastAPI in that loop."""

LOOP_WAITS = (*UVICORN, frame(f"{LIB}/selectors.py:468", "EpollSelector.select"))

REPORT = frame("/srv/shop/main.py:12", "report")
"""A line of an endpoint."""

ANYIO = (
    frame(f"{LIB}/threading.py:1002", "Thread._bootstrap"),
    frame(f"{SITE}/anyio/_backends/_asyncio.py:967", "WorkerThread.run"),
)
"""The frames above an endpoint that is ``def``."""
