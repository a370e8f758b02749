"""What gunicorn's log and processes say of its worker model and its workers. PURE."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers.server import Seen, Trouble
from loadtests.servers.words import command_words, number, option, starts

NAME = "gunicorn"

SHELLS = frozenset({"sh", "bash", "dash", "ash", "busybox"})

WORKER_TITLE = "gunicorn: worker"
"""What a worker calls itself where the module ``setproctitle`` is installed."""

STARTING = re.compile(r"Starting gunicorn (\d+\.\d[\w.+-]*)")
"""A start script may write the same words, with no version behind them."""

_USING = re.compile(r"Using worker: ([\w.:#-]+)")  # a line may be JSON, and go on
_WORKERS = re.compile(
    r"Booting worker with pid: (?P<booted>\d+)"
    r"|(?:Worker exiting \(pid: "
    r"|Worker \(pid:(?=\d+\) (?:was sent SIG|exited with code))"
    r"|Worker with pid (?=\d+ was terminated due to))"  # gunicorn 20
    r"(?P<ended>\d+)"
)
"""One worker may end in two lines: its own, and the master's."""

_OF_LOOPS = re.compile(r"uvicorn|aiohttp|sanic|tornado|GeventWebSocket", re.IGNORECASE)
"""Modules and names of worker classes in which requests take turns."""

_OF_THREADS = re.compile(r"sync|gthread|gunicorn\.workers\.\w+\.(?:Sync|Thread)Worker")
"""Worker classes that heed ``--threads``. Others may ignore it, as gunicorn's ``asgi`` does."""

_TIMED_OUT = re.compile(r"WORKER TIMEOUT \(pid:(?P<pid>\d+)\)")

TROUBLES = (
    Trouble(
        pattern=re.compile(r"WORKER TIMEOUT"),
        means="a worker answered nothing for longer than --timeout and was ended",
    ),
    Trouble(
        pattern=re.compile(
            r"Worker (?:\(pid:|with pid )(?P<pid>\d+)(?:"
            r"\) was sent SIG(?!TERM|INT|QUIT|HUP)"
            r"| was terminated due to signal (?!(?:1|2|3|15)\b)"
            r"|\) exited with code 13[2-9]\b)"
        ),
        unless=_TIMED_OUT,  # gunicorn's master ends that worker by a signal, too
        means="a worker was killed, perhaps out of memory, or crashed",
    ),
    Trouble(
        # gunicorn's asgi writes it for each connection, and uvicorn has words of its own.
        pattern=re.compile(
            r"(?:\[(?P<pid>\d+)\] \[\w+\] )?"
            r"(?:Autorestarting worker after current request|Maximum request limit of \d+ exceeded)"
        ),
        means="a worker had served --max-requests and was replaced",
    ),
)


def look(log: str, processes: Sequence[ServerProcess]) -> Seen:
    """Read the worker model and the workers from the log, else the workers from the processes.

    An application may start processes of its own. A log that starts at warnings names no worker
    model; then the command line may. gunicorn's log does not name the threads of a worker. They are
    read from the command line, and of ``sync`` and ``gevent`` they are known. A gthread worker
    starts its threads as they are needed. Of worker classes that may not heed ``--threads``, they
    are not known.
    """
    words = command_words([process for process in processes if _is_gunicorn(process)])
    version, mode = STARTING.search(log), _last(_USING, log) or _named(words)
    workers = _workers_in(log)
    unlimited = mode in {"gevent", "eventlet"} or bool(_OF_LOOPS.search(mode or ""))
    heeds = unlimited or _OF_THREADS.fullmatch(mode or "gthread")
    named = number(words, "--threads") if heeds else None
    return Seen(
        version=version[1] if version else None,
        mode=mode,
        processes=workers or len(workers_of(processes)) or None,
        threads=1 if mode in {"sync", "gevent"} else named,
        unlimited=unlimited,
    )


def _workers_in(log: str) -> int:
    """Return how many workers a log says have started and not ended, each by its number."""
    there: set[str] = set()
    for line in _WORKERS.finditer(log):
        if line["booted"]:
            there.add(line["booted"])
        else:
            there.discard(line["ended"])
    return len(there)


def _named(words: Sequence[str]) -> str | None:
    """Return the worker model that gunicorn's command line names, which wins over all settings.

    A ``sync`` without a number of threads is not certain: a file or a variable may have some, and
    gunicorn then makes it a ``gthread``.
    """
    named, threads = option(words, "--worker-class", "-k"), number(words, "--threads")
    if named != "sync":
        return named
    return None if threads is None else "gthread" if threads > 1 else "sync"


def _is_gunicorn(process: ServerProcess) -> bool:
    """Tell whether a process is gunicorn itself, and no shell that may change its words.

    It may have a title instead of its command line: ``gunicorn: master [shop:app]``.
    """
    first, *_ = process.command.split() or [""]
    return starts(process.command, NAME) and PurePath(first).name not in SHELLS


def workers_of(processes: Sequence[ServerProcess]) -> tuple[ServerProcess, ...]:
    """Return gunicorn's workers: the processes that its master has forked.

    A fork has its parent's command line, or the title of a worker. So another server in the same
    container is no worker, nor is what the workers start themselves. Where no command line names
    gunicorn, a program of the user's own runs it, so the forks among all processes count. Of
    several masters, the one with the most workers counts.
    """
    named = [process for process in processes if _is_gunicorn(process)]
    ours = {process.pid: process for process in named or processes}
    forked = {
        process.pid: process
        for process in ours.values()
        if process.parent in ours and _is_fork(process, ours[process.parent])
    }
    tops = Counter(process.parent for process in forked.values() if process.parent not in forked)
    masters = [pid for pid, _ in tops.most_common(1)]
    return tuple(process for process in forked.values() if process.parent in masters)


def _is_fork(process: ServerProcess, parent: ServerProcess) -> bool:
    return process.command == parent.command or process.command.startswith(WORKER_TITLE)


def threads_after_load(processes: Sequence[ServerProcess]) -> int | None:
    """Return the threads of a gthread worker once it was saturated: all but its first thread."""
    counts = {process.threads - 1 for process in workers_of(processes)}
    return max(counts) or None if counts else None


def _last(pattern: re.Pattern[str], log: str) -> str | None:
    found = pattern.findall(log)
    return str(found[-1]) if found else None
