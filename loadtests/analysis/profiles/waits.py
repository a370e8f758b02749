"""What a thread did at a look, from what the kernel and py-spy say of it. PURE."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import takewhile

from loadtests.analysis.profiles.frames import (
    STANDARD,
    package_folders,
    package_of,
    within_packages,
)
from loadtests.analysis.profiles.own_code import called_packages, own_places
from loadtests.model.profiles.records import LOCAL_SOCKET, Frame, KernelWait, Waiting

DNS_PORT = "53"

STORE_PORTS = frozenset(
    {"1433", "1521", "3306", "5432", "5433", "6379", "6432", "9042", "11211", "27017"}
)
"""The ports of SQL Server, Oracle, MySQL, PostgreSQL, Redis, PgBouncer, Cassandra, memcached and
MongoDB."""

DRIVERS = re.compile(
    r"/(psycopg2?|psycopg_pool|psycogreen|asyncpg|pg8000|pymysql|MySQLdb|mysql|redis|pymongo|pymemcache"
    r"|sqlalchemy|peewee|cassandra|valkey|pony|clickhouse_driver|neo4j|django/db/backends)(/|\.py$)"
)
"""Packages that speak to a data store; users have files and folders of these names, too, also
around their environments."""

LOCKING = re.compile(r"/(lib|lib64)/(python|pypy)\d[^/]*/(threading|queue)\.py$")
"""Where the standard library waits for a lock, an event or an entry of a queue."""

POOLS = re.compile(
    r"(psycopg_pool|dbutils)/|sqlalchemy/(pool/|util/queue\.py$)|playhouse/pool\.py$"
    r"|(urllib3/connectionpool|redis/connection|valkey/connection|mysql/connector/pooling)\.py$"
    r"|pymongo/(synchronous/)?pool\.py$|httpcore/(_synchronization|_sync/connection_pool)\.py$"
)
"""Where libraries wait until a connection of their pool is free; paths in a folder of packages, as
the next ones are."""

PROGRAMS = re.compile(
    r"/(lib|lib64)/(python|pypy)\d[^/]*/(subprocess|multiprocessing/(process|popen_\w+))\.py$"
    r"|/gevent/subprocess\.py$"
)
"""Where a request waits for a program that it started: it reads pipes, or sleeps between looks."""

POLLED = (
    (re.compile(r"(filelock|portalocker|fasteners)/"), Waiting.FILE_LOCK),
    (re.compile(r"(redis|valkey)/lock\.py$"), Waiting.STORE),
)
"""Where libraries sleep until they try again to have a lock: on a file, or in a store."""

BY_THREADS = (
    (re.compile(r"(cassandra|couchbase)/|pymongo/(synchronous/)?topology\.py$"), Waiting.STORE),
    (re.compile(r"(grpc|kafka|paho)/"), Waiting.SOCKET),
    (
        re.compile(r"(polars|torch|onnxruntime|tensorflow|keras|sklearn|xgboost|lightgbm)/"),
        Waiting.UNKNOWN,
    ),
)
"""What gives its work to threads of its own, many of them in C, and waits for their word: clients,
and what computes there."""

OWN_THREADS = re.compile(
    r"/concurrent/futures/_base\.py$|/multiprocessing/pool\.py$"
    r"|/asgiref/(sync|current_thread_executor)\.py$"
)
"""Where a request waits for what it gave to a thread or a process of its own."""

OWN_LOOP = re.compile(r"/asyncio/base_events\.py$")
"""Where a request runs an event loop of its own; what its tasks wait for is not on the stack."""

PATCHED = re.compile(r"/gevent/|/pymongo/lock\.py$")
"""What stands in for the standard library's waits, or before them."""

ANOTHER_THREAD = "another thread of its own"

A_CONNECTION = "a connection of its pool"
"""What a lock is for, if a pool waits."""

EVENT_LOOP = "its own event loop"

RUNS = frozenset({Waiting.CPU, Waiting.GIL})


def kind_at(
    before: KernelWait | None,
    after: KernelWait | None,
    *,
    unchanged: bool,
    owns_gil: bool,
) -> KernelWait:
    """Return what a thread did while its stack was read.

    ``before`` and ``after`` are what the kernel said around it. ``unchanged`` means that the thread
    was in one and the same wait both times; then the kernel's word counts. Else ``after`` counts
    first: most of a look is py-spy's start, so the stack is read right before its end. py-spy's own
    word for a thread that runs is not used: it guesses, where it does not know the threads of a
    container.
    """
    if before is None or after is None:
        return KernelWait(kind=Waiting.CPU if owns_gil else Waiting.UNKNOWN)
    if unchanged and before.kind is not Waiting.CPU:
        return before
    if owns_gil:
        return KernelWait(kind=Waiting.CPU)
    waits = [wait for wait in (after, before) if wait.kind is not Waiting.CPU]
    return waits[0] if waits else KernelWait(kind=Waiting.CPU)


def refined(
    wait: KernelWait,
    frames: Sequence[Frame],
    stores: Collection[str] = (),
    application: str = "",
) -> KernelWait:
    """Return a wait as its stack has it: a lock's, and a socket's for a store or for a name.

    On a busy machine the kernel is asked some milliseconds beside the stack, so a thread inside of
    ``threading``'s own waits is taken for one that waits for a lock, whatever it did then.
    What a thread of its own does for a request is not on this stack, so it is not known. ``stores``
    are the peers that are the stack's own stores: ``host:port``, or ``:port`` and a local socket,
    which count below a driver in C (psycopg2): it has no frame, and the standard library none.
    ``application`` is the package that is served, where it is known.
    """
    if wait.kind not in RUNS and (known := _of_library(wait, frames)):
        return known
    if wait.kind is not Waiting.SOCKET:
        return wait
    port = wait.peer.rpartition(":")[2]
    if port == DNS_PORT or (frames and frames[-1].name == "getaddrinfo"):
        return KernelWait(kind=Waiting.DNS, peer=wait.peer)
    is_local = wait.peer == LOCAL_SOCKET
    is_known = not is_local and wait.peer in stores
    is_meant = (LOCAL_SOCKET if is_local else f":{port}") in stores and _may_be_in_c(frames)
    if port in STORE_PORTS or is_known or is_meant or _asks_store(frames, application):
        return KernelWait(kind=Waiting.STORE, peer=wait.peer)
    return wait


def _of_library(wait: KernelWait, frames: Sequence[Frame]) -> KernelWait | None:
    """Return a wait as the library knows it that is innermost; None where it knows no more."""
    inner = list(takewhile(_passes_on, reversed(frames)))
    if own := _own_work(inner):
        return KernelWait(kind=Waiting.UNKNOWN, peer=own)
    if any(PROGRAMS.search(frame.file) for frame in inner):
        return KernelWait(kind=Waiting.CHILD)
    is_lock = wait.kind is Waiting.LOCK or bool(frames and LOCKING.search(frames[-1].file))
    if is_lock or wait.kind is Waiting.SLEEP:
        caller = frames[-len(inner) - 1 : len(frames) - len(inner)]
        path = "".join(within_packages(frame, package_folders([frames])) for frame in caller)
        return _of_caller(path, is_lock=is_lock)
    return None


def _of_caller(path: str, *, is_lock: bool) -> KernelWait | None:
    """Return for what a library waits with a lock, or with a sleep between two tries."""
    if POOLS.match(path):
        return KernelWait(kind=Waiting.LOCK, peer=A_CONNECTION)
    known = BY_THREADS if is_lock else POLLED
    kind = next((kind for files, kind in known if files.match(path)), None)
    if kind is None:
        return KernelWait(kind=Waiting.LOCK) if is_lock else None
    return KernelWait(kind=kind, peer=ANOTHER_THREAD if kind is Waiting.UNKNOWN else "")


def _asks_store(frames: Sequence[Frame], application: str) -> bool:
    """Return whether the application's innermost line called a driver.

    A driver further out only stands around it, such as a decorator that opens a transaction. Where
    the framework itself called the driver, no line is the application's.

    One stack alone cannot tell an installed application from a decorator around its view. That
    needs ``application``: without it, the decorator counts as the application.
    """
    if not any(DRIVERS.search(frame.file) for frame in frames):
        return False
    folders = package_folders([frames])
    drivers = [
        index
        for index, frame in enumerate(frames)
        if DRIVERS.search(f"/{within_packages(frame, folders)}")
    ]
    called = called_packages([frames], folders, application)
    own = [
        index
        for index in own_places(frames, folders, called)
        if not DRIVERS.search(f"/{package_of(frames[index], folders)}/")
    ]
    return max(own, default=-1) < max(drivers, default=-1)


def _may_be_in_c(frames: Sequence[Frame]) -> bool:
    return bool(frames) and not STANDARD.search(frames[-1].file)


def _own_work(inner: Sequence[Frame]) -> str:
    """Return for what of its own a thread waits, by its innermost frames; "" for nothing such."""
    if any(OWN_THREADS.search(frame.file) for frame in inner):
        return ANOTHER_THREAD
    if any(LOCKING.search(frame.file) and _function(frame) == "join" for frame in inner):
        return ANOTHER_THREAD
    return EVENT_LOOP if any(OWN_LOOP.search(frame.file) for frame in inner) else ""


def _passes_on(frame: Frame) -> bool:
    return any(files.search(frame.file) for files in (STANDARD, OWN_THREADS, PATCHED))


def _function(frame: Frame) -> str:
    """Return a function's name without its class's."""
    return frame.name.rpartition(".")[2]
