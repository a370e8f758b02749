"""Run by path: ``python asker.py '<json>'`` asks an application's paths, a line an answer.

Flask's are asked by its test client, and those of others as a server calls them.
Stdlib only, for older Pythons too. The harness never imports it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

HOST = "127.0.0.1:8000"
"""How a run asks: by an address, over http. Without it, Flask asks as its settings say."""

FAILED = 500
ANSWER_LIMIT_S = 1.5
"""How long an answer is read: one that takes longer is none that ``init`` chooses for a load."""

ASGI = {"version": "3.0", "spec_version": "2.3"}


def main(text: str) -> None:
    """Ask each path of the job in ``text`` once; write path, status and seconds."""
    job: dict[str, Any] = json.loads(text)
    here = Path.cwd()
    sys.path[:1] = [str(here / job["source"]), str(here)]
    application = _application(job["application"])
    if job["is_async"]:
        asyncio.new_event_loop().run_until_complete(_ask_async(application, job["paths"]))
    elif hasattr(application, "test_client"):
        _ask(application, job["paths"])
    else:
        _ask_by_wsgi(application, job["paths"])
    os._exit(0)  # not held up by threads and tasks of the application


def _application(name: str) -> Any:
    module, _, attribute = name.partition(":")
    loaded = importlib.import_module(module)
    return eval(attribute, vars(loaded))  # noqa: S307  the import string is the user's own


def _write(path: str, status: int, began_s: float) -> None:
    print(json.dumps([path, status, time.monotonic() - began_s]), flush=True)


def _ask_by_wsgi(application: Any, paths: list[str]) -> None:
    for path in paths:
        began_s = time.monotonic()
        try:
            status = _get_by_wsgi(application, path, began_s + ANSWER_LIMIT_S)
        except Exception:  # noqa: BLE001  a server answers 500
            status = FAILED
        _write(path, status, began_s)


def _get_by_wsgi(application: Any, path: str, until_s: float) -> int:
    """Ask for a path as a server does (PEP 3333); return the status of the answer."""
    statuses: list[int] = []

    def start_response(status: str, *_: Any) -> Any:
        statuses.append(int(status.split(maxsplit=1)[0]))
        return lambda _: None

    host, _, port = HOST.partition(":")
    environ: dict[str, Any] = {
        "REMOTE_ADDR": host,
        "HTTP_HOST": HOST,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "PATH_INFO": path.encode().decode("latin-1"),
    }
    setup_testing_defaults(environ)
    body = application(environ, start_response)
    for _ in body:
        if time.monotonic() > until_s:
            break
    if hasattr(body, "close"):
        body.close()
    return statuses[-1]


def _ask(application: Any, paths: list[str]) -> None:
    application.config["PROPAGATE_EXCEPTIONS"] = False  # an exception is a 500, as in a server
    client = application.test_client()
    for path in paths:
        began_s = time.monotonic()
        answer = client.get(path, base_url=f"http://{HOST}")
        _write(path, _read(answer, began_s + ANSWER_LIMIT_S), began_s)


def _read(answer: Any, until_s: float) -> int:
    """Read an answer to its end, but no stream of events for ever; return its status."""
    try:
        for _ in answer.response:
            if time.monotonic() > until_s:
                break
        answer.close()
    except Exception:  # noqa: BLE001  what gives the body is anybody's code
        return FAILED
    return int(answer.status_code)


async def _ask_async(application: Any, paths: list[str]) -> None:
    state: dict[str, Any] = {}
    lifespan = await _begun(application, state)  # a task lives as long as its name does
    for path in paths:
        began_s = time.monotonic()
        statuses: list[int] = []
        try:
            await asyncio.wait_for(_get(application, path, dict(state), statuses), ANSWER_LIMIT_S)
        except asyncio.TimeoutError:  # noqa: UP041  another class in older Pythons
            pass
        except Exception:  # noqa: BLE001  a server answers 500
            statuses = statuses or [FAILED]
        if statuses:
            _write(path, statuses[0], began_s)
    del lifespan


async def _begun(application: Any, state: dict[str, Any]) -> asyncio.Future[None]:
    """Return the application's lifespan, once it has begun or has turned out to be none."""
    begun = asyncio.Event()
    messages: list[dict[str, Any]] = [{"type": "lifespan.startup"}]

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else await _never()

    async def send(_: dict[str, Any]) -> None:
        begun.set()

    async def live() -> None:
        with contextlib.suppress(Exception):  # an application may have no lifespan
            await application({"type": "lifespan", "asgi": ASGI, "state": state}, receive, send)
        begun.set()

    lifespan = asyncio.ensure_future(live())
    await begun.wait()
    return lifespan


async def _get(application: Any, path: str, state: dict[str, Any], statuses: list[int]) -> None:
    """Ask for a path as a server does; note the status as soon as it is known."""
    scope = {
        "type": "http",
        "asgi": ASGI,
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", HOST.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "state": state,
    }
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else await _never()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await application(scope, receive, send)


async def _never() -> dict[str, Any]:
    """Wait: the client does not leave, and the server does not end."""
    await asyncio.Event().wait()
    return {}


if __name__ == "__main__":
    main(sys.argv[1])
