"""What a greenlet waits for, from its frames: the kernel knows nothing of greenlets. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence

from loadtests.model.profiles.records import Frame, KernelWait, Waiting

KINDS = (
    (re.compile(r"/gevent/resolver/"), Waiting.DNS),
    (re.compile(r"/gevent/(_socket|_ssl|ssl|socket|select|selectors)"), Waiting.SOCKET),
    (
        re.compile(
            r"/gevent/(lock|thread|threading|_semaphore|_abstract_linkable|queue|event)\.py$"
        ),
        Waiting.LOCK,
    ),
    (re.compile(r"/gevent/(subprocess|os)\.py$"), Waiting.CHILD),
    (re.compile(r"/gevent/(_threadpool|threadpool|fileobject|_fileobject)"), Waiting.FILE),
)
"""Files of gevent through which a greenlet gives way."""

SLEEP = re.compile(r"/gevent/hub\.py$")


def kind_of(frames: Sequence[Frame], peer: str, *, running: bool) -> KernelWait:
    """Return what a greenlet does.

    Locks, queues and events of gevent are compiled and have no frame. So a greenlet that gave way
    without any frame of gevent waits for another greenlet.
    """
    if running:
        return KernelWait(kind=Waiting.CPU)
    for frame in reversed(frames):
        if SLEEP.search(frame.file) and frame.name == "sleep":
            return KernelWait(kind=Waiting.SLEEP)
        for pattern, kind in KINDS:
            if pattern.search(frame.file):
                return KernelWait(kind=kind, peer=peer if kind is Waiting.SOCKET else "")
    return KernelWait(kind=Waiting.LOCK)
