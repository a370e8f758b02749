"""Whether a wait at an address is for the interpreter's lock."""

from __future__ import annotations

import pytest

from loadtests.model.profiles.records import Waiting
from loadtests.tools.procfs.interpreter_lock import NEAR_BYTES, Interpreter, interpreter_data

MAPS = """\
00400000-00500000 r-xp 00000000 fe:01 1 /usr/bin/python3.11
00500000-00600000 rw-p 00100000 fe:01 1 /usr/bin/python3.11
00600000-00640000 rw-p 00000000 00:00 0
01000000-02000000 rw-p 00000000 00:00 0 [heap]
7f0000000000-7f0000010000 rw-p 00000000 fe:01 2 /usr/lib/python3.11/lib-dynload/_ssl.so
7f0000010000-7f0000020000 rw-p 00000000 00:00 0
7f0000100000-7f0000200000 rw-p 00000000 fe:01 3 /usr/lib/libpython3.11.so.1.0
"""

MUSL = "7f0000300000-7f0000400000 r-xp 00000000 fe:01 4 /lib/ld-musl-x86_64.so.1\n"

STACK = 0x7F0000500000

HEAP = 0x1000000

SLICE_NS = 4_900_000
"""What is left of 5 ms when the call begins."""


def test_the_interpreters_own_data_are_its_files_and_what_lies_right_behind() -> None:
    assert list(interpreter_data(MAPS)) == [
        (0x400000, 0x500000),
        (0x500000, 0x600000),
        (0x600000, 0x640000),
        (0x7F0000100000, 0x7F0000200000),
    ]


def kind_at(
    address: int, limit_ns: int | None = SLICE_NS, *, maps: str = MAPS + MUSL, python: str = "3.11"
) -> Waiting:
    interpreter = Interpreter.of(maps.replace("3.11", python))
    return interpreter.kind_of(address, stack=STACK, limit_ns=limit_ns)


@pytest.mark.parametrize("maps", [MAPS, MAPS + MUSL])
def test_what_is_in_the_interpreters_own_data_is_its_lock(maps: str) -> None:
    assert kind_at(0x600040, maps=maps) is Waiting.GIL
    assert kind_at(HEAP, maps=maps) is Waiting.LOCK


@pytest.mark.parametrize("python", ["3.9", "3.11", "3.13"])
def test_musl_waits_for_the_interpreters_lock_on_the_stack_in_slices(python: str) -> None:
    assert kind_at(STACK + 0x50, python=python) is Waiting.GIL


@pytest.mark.parametrize("limit_ns", [None, 5_100_000, 10**9])
def test_a_wait_on_the_stack_that_is_longer_is_that_of_a_library(limit_ns: int | None) -> None:
    assert kind_at(STACK + 0x50, limit_ns) is Waiting.LOCK


@pytest.mark.parametrize("address", [HEAP, STACK - 8, STACK + NEAR_BYTES])
def test_a_short_wait_elsewhere_is_for_a_lock(address: int) -> None:
    assert kind_at(address) is Waiting.LOCK


def test_glibc_waits_for_no_interpreters_lock_on_the_stack() -> None:
    assert kind_at(STACK + 0x50, maps=MAPS) is Waiting.LOCK


@pytest.mark.parametrize("python", ["3.14", "4.0", "3"])
def test_where_ordinary_locks_may_wait_on_the_stack_too_it_is_not_known(python: str) -> None:
    assert kind_at(STACK + 0x50, python=python) is Waiting.UNKNOWN
    assert kind_at(STACK + 0x50, None, python=python) is Waiting.LOCK
