"""Which faults are on, read from environment variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from app.settings import SettingError, number
from scripts.zoo.app.dearer import WAYS


@dataclass(frozen=True, kw_only=True)
class Switches:
    """Which faults are on; none by default. The package's docstring says what each one does."""

    burn_percent: float = 0
    slower_percent_per_minute: float = 0
    error_percent: float = 0
    store_rows: int = 0
    serial_share: float = 0
    serial_lock: Path | None = None
    module_context: bool = False
    memory_state: bool = False
    dearer: str | None = None
    dearer_counts: Path | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read the switches from the variables in ``environ``.

        Raises:
            SettingError: a switch has a value that it cannot have, or not with the others.
        """
        lock, counts = environ.get("SERIAL_LOCK"), environ.get("DEARER_COUNTS")
        way = _choice(environ, "DEARER", ("none", *WAYS))
        switches = cls(
            burn_percent=number(environ, "BURN_PERCENT", default=0, low=0, high=100),
            slower_percent_per_minute=number(
                environ, "SLOWER_PERCENT_PER_MINUTE", default=0, low=0, high=1000
            ),
            error_percent=number(environ, "ERROR_PERCENT", default=0, low=0, high=100),
            store_rows=int(number(environ, "STORE_ROWS", default=0, low=0, high=1_000_000)),
            serial_share=number(environ, "SERIAL_SHARE", default=0, low=0, high=0.9),
            serial_lock=Path(lock) if lock else None,
            module_context=_choice(environ, "CONTEXT_STORE", ("context", "module")) == "module",
            memory_state=_choice(environ, "STATE", ("store", "memory")) == "memory",
            dearer=way if way in WAYS else None,
            dearer_counts=Path(counts) if counts else None,
        )
        if switches.serial_share and switches.serial_lock is None:
            raise SettingError(
                f"SERIAL_SHARE={switches.serial_share} needs SERIAL_LOCK: the path of a file in a "
                "folder that all replicas share."
            )
        if switches.serial_share and environ.get("WORKER_MODEL") == "gevent":
            raise SettingError(
                f"SERIAL_SHARE={switches.serial_share} cannot be had under WORKER_MODEL=gevent: a "
                "file lock stops all greenlets of a process. Use gthread or sync."
            )
        if switches.dearer and switches.dearer_counts is None:
            raise SettingError(
                f"DEARER={way} needs DEARER_COUNTS: the path of a file in a folder that all "
                "replicas share."
            )
        if switches.dearer and _number_of(environ, "WEB_CONCURRENCY") > 1:
            raise SettingError(
                f"DEARER={way} needs WEB_CONCURRENCY=1: a replica's counters have one writer."
            )
        return switches


def slots(environ: Mapping[str, str]) -> int:
    """Return how many requests the replica serves at once, by gunicorn's processes and threads.

    Raises:
        SettingError: a variable has a value that cannot be used.
    """
    return _number_of(environ, "WEB_CONCURRENCY") * _number_of(environ, "THREADS")


def _number_of(environ: Mapping[str, str], name: str) -> int:
    return int(number(environ, name, default=1, low=1, high=1000))


def _choice(environ: Mapping[str, str], name: str, choices: Sequence[str]) -> str:
    """Return the word in the variable ``name``, or the first of ``choices`` if it is not set."""
    text = environ.get(name) or choices[0]
    if text not in choices:
        raise SettingError(f"{name}={text} is unknown here; there are {', '.join(choices)}.")
    return text
