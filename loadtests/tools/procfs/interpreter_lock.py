"""Tells a wait for the interpreter's lock (GIL) from one for another lock, by its address.

CPython has its lock in static memory (``_PyRuntime``), and glibc waits at that address. musl waits
at a variable on the waiting thread's own stack (``pthread_cond_timedwait``). CPython waits for its
lock in slices of 5 ms (``take_gil``), so there the time limit tells it from a wait of a C library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from loadtests.model.profiles.records import Waiting

INTERPRETER = re.compile(r"/(lib)?(python|pypy)[^/]*$")
"""The program or the library that has the interpreter's own data, and in it the GIL."""

MUSL = re.compile(r"/ld-musl-[^/]*$")
"""The C library of Alpine Linux, which is its own loader."""

VERSION = re.compile(r"/(?:lib)?python(\d+)\.(\d+)[^/]*$")

NEAR_BYTES = 1024
"""A variable of the C library's own functions is so near to the end of the stack."""

SLICE_NS = 5_000_000
"""CPython's switch interval, if the program sets no other (``sys.setswitchinterval``)."""

LOCKS_ON_STACK = (3, 14)
"""From this Python on, ordinary locks may wait on the stack, too (``PyMutex``)."""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """What a process's map of memory says: where its interpreter's own data are, and on what."""

    data: tuple[tuple[int, int], ...]
    on_musl: bool
    version: tuple[int, int] | None
    """CPython's; None where no file has it in its name."""

    @classmethod
    def of(cls, maps: str) -> Interpreter:
        """Return what ``maps`` (proc(5)) says."""
        paths = [fields[5] for line in maps.splitlines() if len(fields := line.split(None, 5)) > 5]
        named = next(filter(None, map(VERSION.search, paths)), None)
        return cls(
            data=tuple(interpreter_data(maps)),
            on_musl=any(map(MUSL.search, paths)),
            version=(int(named[1]), int(named[2])) if named else None,
        )

    def kind_of(self, address: int, *, stack: int, limit_ns: int | None) -> Waiting:
        """Return for what a thread waits at an address.

        ``stack`` is where the thread's stack ends, and ``limit_ns`` how long it waits at most.
        """
        if any(start <= address < end for start, end in self.data):
            return Waiting.GIL
        on_stack = stack <= address < stack + NEAR_BYTES
        if not (self.on_musl and on_stack) or limit_ns is None or limit_ns > SLICE_NS:
            return Waiting.LOCK
        is_known = self.version is not None and self.version < LOCKS_ON_STACK
        return Waiting.GIL if is_known else Waiting.UNKNOWN


def interpreter_data(maps: str) -> Iterator[tuple[int, int]]:
    """Yield the ranges of memory in which the interpreter's own data are, from ``maps`` (proc(5)).

    The GIL is among them. What is not initialised lies in the anonymous range right behind the
    file's last one.
    """
    last_end = 0
    for line in maps.splitlines():
        fields = line.split(maxsplit=5)
        start, end = (int(word, 16) for word in fields[0].split("-"))
        path = fields[5] if len(fields) > 5 else ""
        if INTERPRETER.search(path):
            yield start, end
            last_end = end
        elif not path and start == last_end:
            yield start, end
