"""Known faults, for trying out instruments; a service in use has none of them.

Whoever measures a service should know what the instrument says of a service that is slower, that
takes turns, or that mixes up its requests. Each switch makes one such service, by the environment:

=========================  ========================  ============================================
BURN_PERCENT               0 to 100                  /cpu costs that many percent more CPU
SLOWER_PERCENT_PER_MINUTE  0 to 1000                 /cpu costs that many percent more CPU for each
                                                     minute that the process is old
ERROR_PERCENT              0 to 100                  so many of 100 requests to /cpu and /io fail
STORE_ROWS                 0 to 1000000              /db makes the store count so many rows besides
SERIAL_SHARE               0 to 0.9                  /serial spends that share of its time alone
SERIAL_LOCK                a path                    the file by which all replicas take turns there
CONTEXT_STORE              ``context``, ``module``   /context keeps its token where all requests
                                                     reach it
STATE                      ``store``, ``memory``     /state is kept in the memory of one process
=========================  ========================  ============================================
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Self

from werkzeug.exceptions import InternalServerError

from app import context
from app.application import Application, this_app
from app.burning import Burner
from app.settings import SettingError, choice, number


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Which faults are on; by default none."""

    burn_percent: float = 0
    slower_percent_per_minute: float = 0
    error_percent: float = 0
    store_rows: int = 0
    serial_share: float = 0
    serial_lock: Path | None = None
    module_context: bool = False
    memory_state: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read the switches.

        Raises:
            SettingError: a switch has a value that it cannot have, or not with the others.
        """
        lock = environ.get("SERIAL_LOCK")
        faults = cls(
            burn_percent=number(environ, "BURN_PERCENT", default=0, low=0, high=100),
            slower_percent_per_minute=number(
                environ, "SLOWER_PERCENT_PER_MINUTE", default=0, low=0, high=1000
            ),
            error_percent=number(environ, "ERROR_PERCENT", default=0, low=0, high=100),
            store_rows=int(number(environ, "STORE_ROWS", default=0, low=0, high=1_000_000)),
            serial_share=number(environ, "SERIAL_SHARE", default=0, low=0, high=0.9),
            serial_lock=Path(lock) if lock else None,
            module_context=choice(environ, "CONTEXT_STORE", ("context", "module")) == "module",
            memory_state=choice(environ, "STATE", ("store", "memory")) == "memory",
        )
        if faults.serial_share and faults.serial_lock is None:
            raise SettingError(
                f"SERIAL_SHARE={faults.serial_share} needs SERIAL_LOCK: the path of a file in a "
                "folder that all replicas share."
            )
        if faults.serial_share and environ.get("WORKER_MODEL") == "gevent":
            raise SettingError(
                f"SERIAL_SHARE={faults.serial_share} cannot be had under WORKER_MODEL=gevent: a "
                "file lock stops all greenlets of a process. Use gthread or sync."
            )
        return faults


def install(app: Application, faults: Faults) -> None:
    """Put into ``app`` the faults that are on (/serial asks for its share itself)."""
    views = app.view_functions
    if faults.burn_percent:
        views["work.cpu"] = _burning(views["work.cpu"], lambda: faults.burn_percent)
    if faults.slower_percent_per_minute:
        born_s, rate = time.monotonic(), faults.slower_percent_per_minute / 60
        views["work.cpu"] = _burning(views["work.cpu"], lambda: rate * (time.monotonic() - born_s))
    if faults.error_percent:
        for name in ("work.cpu", "work.io"):
            views[name] = _failing(views[name], faults.error_percent)
    if faults.store_rows:
        views["items.read"] = _counting_rows(views["items.read"], faults.store_rows)
    if faults.module_context:
        views["context.isolation"] = shared_context
    if faults.memory_state:
        app.state = MemoryState()


def _burning(view: Callable[..., Any], percent: Callable[[], float]) -> Callable[..., Any]:
    burner = Burner()

    @wraps(view)
    def burn() -> Any:
        burner.burn(percent())
        return view()

    return burn


def _failing(view: Callable[..., Any], percent: float) -> Callable[..., Any]:
    """Fail evenly: of any 100 requests in a row that reach this process, so many."""
    requests = itertools.count(1)

    @wraps(view)
    def fail() -> Any:
        number = next(requests)
        if int(number * percent / 100) > int((number - 1) * percent / 100):
            raise InternalServerError(f"One of those that fail: ERROR_PERCENT={percent:g}.")
        return view()

    return fail


def _counting_rows(view: Callable[..., Any], rows: int) -> Callable[..., Any]:
    """Let the store do work that a better query would spare it: 10,000 rows are about 1 ms."""

    @wraps(view)
    def count() -> Any:
        this_app().store.row("SELECT count(*) FROM generate_series(1, %s)", rows)
        return view()

    return count


_token = ""


def shared_context() -> dict[str, object]:
    """Answer as /context does, but keep the token in the module, where every request finds it."""
    global _token  # noqa: PLW0603 - the fault
    token, pause_s = context.asked()
    _token = token
    time.sleep(pause_s)
    own = {"module": _token == token}
    return {"token": token, "own": own, "isolated": all(own.values())}


class MemoryState:
    """State in the memory of this process, which no other process sees."""

    def __init__(self) -> None:
        self._notes: dict[str, str] = {}
        self._logins: dict[str, str] = {}
        self._visits = 0
        self._lock = threading.Lock()

    def put_note(self, key: str, body: str) -> None:
        """Keep ``body`` under ``key``, over whatever was there."""
        self._notes[key] = body

    def note(self, key: str) -> str | None:
        """Return what is kept under ``key``."""
        return self._notes.get(key)

    def log_in(self, name: str) -> str:
        """Keep that ``name`` is logged in, and return the key to it."""
        login = secrets.token_urlsafe()
        self._logins[login] = name
        return login

    def who(self, login: str) -> str | None:
        """Return the name behind the key of a login."""
        return self._logins.get(login)

    def visit(self) -> int:
        """Count a visit, and return the count with it."""
        with self._lock:
            self._visits += 1
            return self._visits

    def visits(self) -> int:
        """Return the count of visits."""
        return self._visits
