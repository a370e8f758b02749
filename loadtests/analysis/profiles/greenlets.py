"""Requests that take turns in one thread, as greenlets or coroutines. PURE.

What a greenlet waits for is read from its frames: the kernel knows nothing of greenlets. Of an
event loop, only the request that runs is on the stack, or the one that holds up the others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import takewhile

from loadtests.analysis.profiles.frames import (
    is_library,
    is_own,
    package_folders,
    request_frames,
)
from loadtests.analysis.profiles.waits import ANOTHER_THREAD, RUNS
from loadtests.model.profiles.records import Frame, KernelWait, Stack, Waiting

RESOLVER = re.compile(r"/gevent/resolver/")
"""Where a name's address is asked for; it may wait for a thread or for a socket in turn."""

THREADS = re.compile(r"/gevent/_?threadpool")
"""Where a greenlet waits for a thread, which may do anything."""

FILES = re.compile(r"/gevent/(_?fileobject|os\.py$)")
"""What gives reads and writes of files to such a thread."""

PROGRAMS = re.compile(r"/gevent/subprocess\.py$")
"""Where a greenlet waits for a program that it started, by its pipes, too."""

KINDS = (
    (
        re.compile(r"/gevent/(_socket|_ssl|ssl|socket|select|selectors)|/psycogreen/"),
        Waiting.SOCKET,
    ),
    (
        re.compile(
            r"/gevent/(lock|thread|threading|_semaphore|_abstract_linkable|queue|event)\.py$"
        ),
        Waiting.LOCK,
    ),
    (re.compile(r"/gevent/os\.py$"), Waiting.CHILD),
    (re.compile(r"/gevent/(fileobject|_fileobject)"), Waiting.FILE),
)
"""Files through which a greenlet gives way: of gevent, and of what lets psycopg2 do so."""

SLEEP = re.compile(r"/gevent/hub\.py$")

HUB = re.compile(r"/gevent/hub\.py$|/eventlet/hubs/")
"""Where greenlets that wait have given way to: nothing of them is on this stack."""

OF_GREENLETS = re.compile(
    r"/(gevent|eventlet)/|/gunicorn/workers/(ggevent|geventlet|base_async)\.py$"
)
"""Files of servers that give each request a greenlet."""

OF_LOOPS = re.compile(
    r"/asyncio/(base_events|events|runners)\.py$"
    r"|/(daphne|sanic|tornado|trio|z?uvloop|rloop|uvicorn_worker)/"
    r"|/gunicorn/workers/gtornado\.py$|/aiohttp/(worker|web\w*)\.py$|/uvicorn/(protocols/|server)"
)
"""Files of event loops that call coroutines, and of servers that run one, which may be in C."""

GEVENT = re.compile(r"/gevent/|/ggevent\.py$|geventwebsocket/")

SELECTORS = re.compile(r"/(lib|lib64)/(python|pypy)\d[^/]*/selectors\.py$")
"""Where asyncio's loop waits until one of its sockets has something."""

TURNS_OPTION = re.compile(r"uwsgi\b.*\s--(async|ugreen|greenlet|gevent|asyncio|tornado)\b")
"""uWSGI's options for requests that take turns; its own loops are in C, and no stack has them."""


def kind_of(frames: Sequence[Frame], peer: str, *, running: bool) -> KernelWait:
    """Return what a greenlet does.

    Locks, queues and events of gevent are compiled and have no frame. So a greenlet that gave way
    without any frame of gevent waits for another greenlet.
    """
    if running:
        return KernelWait(kind=Waiting.CPU)
    inner = list(takewhile(lambda frame: GEVENT.search(frame.file), reversed(frames)))
    if any(RESOLVER.search(frame.file) for frame in inner):
        return KernelWait(kind=Waiting.DNS)
    if any(PROGRAMS.search(frame.file) for frame in inner):
        return KernelWait(kind=Waiting.CHILD)
    if any(THREADS.search(frame.file) for frame in inner):
        if any(FILES.search(frame.file) for frame in inner):
            return KernelWait(kind=Waiting.FILE)
        return KernelWait(kind=Waiting.UNKNOWN, peer=ANOTHER_THREAD)
    for frame in reversed(frames):
        if SLEEP.search(frame.file) and frame.name == "sleep":
            return KernelWait(kind=Waiting.SLEEP)
        for pattern, kind in KINDS:
            if pattern.search(frame.file):
                return KernelWait(kind=kind, peer=peer if kind is Waiting.SOCKET else "")
    return KernelWait(kind=Waiting.LOCK)


def take_turns(stacks: Iterable[Stack], server: str) -> bool:
    """Return whether requests take turns in one thread, so that only the one that runs is seen.

    What a request itself calls does not count: it may run an event loop of its own. But a server
    that is not known stands among its frames: before the framework and the first own one.
    """
    seen = tuple(stacks)
    folders = package_folders(stack.frames for stack in seen)
    return any(_takes_turns(stack, server, folders) for stack in seen)


def as_its_stack_has_it(wait: KernelWait, frames: Sequence[Frame]) -> KernelWait:
    """Return what a thread did, where the kernel's word is that its event loop waited.

    The kernel is asked some milliseconds beside the stack. While a request is on the stack of its
    loop's thread, the loop does not wait for its sockets, so that was before or after.
    """
    if not (wait.many and frames):
        return wait
    in_a_loop = any(OF_LOOPS.search(each.file) or OF_GREENLETS.search(each.file) for each in frames)
    innermost = frames[-1].file
    loop_waits = any(files.search(innermost) for files in (OF_LOOPS, HUB, SELECTORS))
    return KernelWait(kind=Waiting.CPU) if in_a_loop and not loop_waits else wait


def in_a_loop(stacks: Sequence[Stack]) -> frozenset[int]:
    """Return the numbers of the stacks of threads that run an event loop, or greenlets."""
    loops = (OF_LOOPS, OF_GREENLETS, HUB)
    return frozenset(
        number
        for number, stack in enumerate(stacks)
        if any(files.search(frame.file) for frame in stack.frames for files in loops)
    )


def held_up(stacks: Sequence[Stack], server: str) -> frozenset[int]:
    """Return the numbers of the stacks on which a request waits and lets no other have its turn.

    That is a blocking call: the one thread of the requests waits in the kernel for one of them.
    """
    folders = package_folders(stack.frames for stack in stacks)
    return frozenset(
        number
        for number, stack in enumerate(stacks)
        if stack.kind not in RUNS
        and (stack.kind is not Waiting.UNKNOWN or stack.peer)
        and request_frames(stack, server)
        and _takes_turns(stack, server, folders)
    )


def _takes_turns(stack: Stack, server: str, folders: Collection[str]) -> bool:
    if stack.frames and HUB.search(stack.frames[0].file):
        return True
    request = request_frames(stack, server)
    before = tuple(takewhile(partial(_may_be_server, folders), request))
    outer = stack.frames[: len(stack.frames) - len(request) + len(before)] if request else ()
    return any(OF_GREENLETS.search(frame.file) or OF_LOOPS.search(frame.file) for frame in outer)


def _may_be_server(folders: Collection[str], frame: Frame) -> bool:
    is_loop = bool(OF_LOOPS.search(frame.file))
    return is_loop or not (is_own(frame, folders) or is_library(frame, folders))


def are_of_gevent(stacks: Iterable[Stack]) -> bool:
    """Return whether gevent is on a stack, for which there is a helper."""
    return any(GEVENT.search(frame.file) for stack in stacks for frame in stack.frames)


def are_greenlets(stacks: Iterable[Stack]) -> bool:
    """Return whether requests are greenlets, and no coroutines."""
    return any(OF_GREENLETS.search(frame.file) for stack in stacks for frame in stack.frames)
