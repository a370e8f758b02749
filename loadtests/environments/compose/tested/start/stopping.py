"""How the user's replicas end when they are asked to: what a deployment of theirs would do."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Sequence

from loadtests.tools import procfs
from loadtests.tools.docker import Container

GRACE_S = 2
"""Seconds between SIGTERM and SIGKILL."""

KILLED = 128 + 9
"""Exit code of a container that was ended by SIGKILL."""

IGNORED = (
    f"Replicas ignored SIGTERM and were killed {GRACE_S} s later, so each deployment loses"
    " requests. A shell as first program does that (CMD without brackets; use exec), and so does a"
    " program without a handler (init: true)."
)
NOT_IN_TIME = f"Replicas did not end in {GRACE_S} s after SIGTERM, and were killed."


def handles_sigterm(container: Container, *, local: bool) -> bool | None:
    """Tell whether a container's first program has a handler for SIGTERM; None: it is not known.

    Without one, the kernel keeps the signal from the first process of a PID namespace.
    """
    return procfs.catches(container.pid, signal.SIGTERM) if local else None


def note(
    stopped: Iterable[Container], workers: Sequence[str], *, handled: bool | None
) -> str | None:
    """Return a sentence if stopped replicas had to be killed because they ignore SIGTERM.

    A program with a handler that only needs longer is no fault: it waits for idle connections.
    """
    killed = any(
        container.service in workers
        and container.exit_code == KILLED
        and not container.out_of_memory
        for container in stopped
    )
    if not killed or handled:
        return None
    return NOT_IN_TIME if handled is None else IGNORED
