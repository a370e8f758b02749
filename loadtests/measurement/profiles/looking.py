"""Looks at the replicas' threads while a load is on, at a bounded rate."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.analysis.profiles import waits
from loadtests.analysis.profiles.greenlets import kind_of
from loadtests.model.errors import ProcessFailure
from loadtests.model.profiles.records import Frame, KernelWait, Look, Stack, Waiting
from loadtests.tools import greenlets, proc, py_spy
from loadtests.tools.procfs.threads import ThreadNow, threads_now

LOOKS_PER_S = 16.0
"""A look costs some 20 ms of CPU on the cores of the generator: a third of one core at most."""

JOIN_LIMIT_S = 15.0
"""A look that is under way may take until its own limit."""

HELPED_EVERY_S = 0.3
"""A helper walks all stacks in the replica itself: 0.8 ms of its CPU for 64 requests."""

MOST_FAILURES = 3
"""A process that never gave a stack is given up after so many looks: it is no Python."""

SILENT = "The helper inside a worker wrote nothing that can be read."

ON_CPU = KernelWait(kind=Waiting.CPU)

HOLD_UP = frozenset({Waiting.FILE, Waiting.FILE_LOCK, Waiting.CHILD, Waiting.SLEEP})
"""Waits of a thread of greenlets that are not the hub's own."""

NOTHING_KNOWN: Mapping[int, ThreadNow] = {}

Dump = Callable[[int], tuple[py_spy.Thread, ...]]
Threads = Callable[[int], Mapping[int, ThreadNow] | None]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What all looks of a window gave; ``processes`` is how many processes can give stacks."""

    stacks: tuple[Stack, ...]
    looks: tuple[Look, ...]
    failures: Mapping[str, int]
    processes: int
    looking_s: float
    """CPU-seconds that looking cost."""
    span_s: float
    helped: bool = False
    """Whether helpers inside the processes told of all greenlets."""


@dataclass
class _Process:
    member: str
    pid: int
    looks: int = 0
    failures: int = 0
    helped: bool = False
    asked_s: float = 0.0
    waits: list[KernelWait] = field(default_factory=list)
    """What the main thread of a helped process did at each look."""


@dataclass
class _Stacks:
    """All stacks that were seen, each once."""

    numbers: dict[Stack, int] = field(default_factory=dict)

    def number_of(self, stack: Stack) -> int:
        return self.numbers.setdefault(stack, len(self.numbers))


class Looking:
    """A thread that looks at processes in turn, from ``start`` to ``stop``."""

    def __init__(
        self,
        processes: Sequence[tuple[str, int]],
        dump: Dump,
        *,
        threads: Threads = threads_now,
        stores: Collection[str] = (),
        application: str = "",
        looks_per_s: float = LOOKS_PER_S,
    ) -> None:
        """``processes`` are member and process id; for others see :func:`waits.refined`."""
        self._processes = [
            # Asked at once: a helper's first look searches for the requests, which takes a while.
            _Process(member=member, pid=pid, helped=greenlets.ask(pid))
            for member, pid in processes
        ]
        self._dump = dump
        self._threads = threads
        self._stores = stores
        self._application = application
        self._every_s = 1 / looks_per_s
        self._stacks = _Stacks()
        self._looks: list[Look] = []
        self._failures: Counter[str] = Counter()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="looking", daemon=True)
        self._began_s = self._ended_s = 0.0
        self._cpu_s = 0.0

    def start(self) -> None:
        """Begin to look; what helpers wrote before is thrown away."""
        for process in self._processes:
            if process.helped:
                greenlets.written(process.pid)
        self._began_s = proc.monotonic_s()
        self._cpu_s = proc.children_cpu_s()
        self._thread.start()

    def stop(self) -> None:
        """End with the look that is under way, if looks have begun."""
        if self._stopped.is_set() or self._thread.ident is None:
            return
        self._stopped.set()
        self._thread.join(JOIN_LIMIT_S)
        self._ended_s = proc.monotonic_s()
        self._cpu_s = proc.children_cpu_s() - self._cpu_s
        for process in self._processes:
            if process.helped:
                self._read_helper(process)

    def seen(self) -> Seen:
        """Return what was seen."""
        useful = [process for process in self._processes if process.looks or not process.failures]
        return Seen(
            stacks=tuple(self._stacks.numbers),
            looks=tuple(self._looks),
            failures=dict(self._failures),
            processes=len(useful),
            looking_s=self._cpu_s,
            span_s=self._ended_s - self._began_s,
            helped=any(process.helped for process in useful),
        )

    def _run(self) -> None:
        due_s = self._began_s
        while not self._stopped.is_set():
            process = self._next()
            if process is None:
                return
            self._look(process)
            # No look is caught up with: a slow machine gets fewer of them.
            due_s = max(due_s + self._every_s, proc.monotonic_s())
            self._stopped.wait(max(0.0, due_s - proc.monotonic_s()))

    def _next(self) -> _Process | None:
        """Return the process that was looked at least, so that all have equally many looks."""
        left = self._left()
        return min(left, key=lambda process: process.looks + process.failures) if left else None

    def _left(self) -> list[_Process]:
        """Return the processes that are not given up."""
        return [
            process
            for process in self._processes
            if process.looks or process.failures < MOST_FAILURES
        ]

    def _look(self, process: _Process) -> None:
        if process.helped:
            if proc.monotonic_s() - process.asked_s < HELPED_EVERY_S:
                return
            process.asked_s = proc.monotonic_s()
            main = (self._threads(process.pid) or NOTHING_KNOWN).get(process.pid)
            process.waits.append(main.wait if main else ON_CPU)
            greenlets.ask(process.pid)
            process.looks += 1
            return
        before = self._threads(process.pid)
        at_s = proc.monotonic_s() - self._began_s
        try:
            threads = self._dump(process.pid)
        except ProcessFailure as error:
            process.failures += 1
            self._failures[py_spy.why_not(error)] += 1
            return
        after = self._threads(process.pid)
        process.looks += 1
        stacks = [
            self._stack(thread, before or NOTHING_KNOWN, after or NOTHING_KNOWN)
            for thread in threads
            if thread.frames
        ]
        numbers = tuple(self._stacks.number_of(stack) for stack in stacks)
        self._looks.append(Look(member=process.member, at_s=at_s, stacks=numbers))

    def _read_helper(self, process: _Process) -> None:
        """Add the looks that a helper wrote, evenly over the window."""
        looks = greenlets.written(process.pid)
        process.looks = len(looks)
        if not looks:
            process.failures += 1
            self._failures[SILENT] += 1
        # A signal that came while another was handled may have given no line of its own.
        waits_known = process.waits if len(process.waits) == len(looks) else [ON_CPU] * len(looks)
        for index, (seen, kernel) in enumerate(zip(looks, waits_known, strict=True)):
            stacks = [self._greenlet(greenlet, kernel) for greenlet in seen if greenlet.frames]
            numbers = tuple(self._stacks.number_of(stack) for stack in stacks)
            at_s = (index + 0.5) / len(looks) * (self._ended_s - self._began_s)
            self._looks.append(Look(member=process.member, at_s=at_s, stacks=numbers))
        self._looks.sort(key=lambda look: look.at_s)

    def _greenlet(self, greenlet: greenlets.Greenlet, kernel: KernelWait) -> Stack:
        """Return a greenlet's stack; the one that runs may hold up the others in the kernel."""
        wait = kind_of(greenlet.frames, greenlet.peer, running=greenlet.running)
        if greenlet.running and kernel.kind in HOLD_UP:
            wait = kernel
        wait = waits.refined(wait, greenlet.frames, self._stores, self._application)
        return Stack(frames=greenlet.frames, kind=wait.kind, peer=wait.peer)

    def _stack(
        self,
        thread: py_spy.Thread,
        before: Mapping[int, ThreadNow],
        after: Mapping[int, ThreadNow],
    ) -> Stack:
        first, last = (
            now.get(thread.thread) if thread.thread is not None else None for now in (before, after)
        )
        wait = waits.kind_at(
            first.wait if first else None,
            last.wait if last else None,
            unchanged=first is not None and last is not None and first.mark == last.mark,
            owns_gil=thread.owns_gil,
        )
        wait = waits.refined(wait, thread.frames, self._stores, self._application)
        return Stack(frames=thread.frames, kind=wait.kind, peer=_peer(wait, thread.frames))


def _peer(wait: KernelWait, frames: Sequence[Frame]) -> str:
    """Return whom or what a thread waited for."""
    named = wait.kind not in {Waiting.CPU, Waiting.GIL, Waiting.SLEEP}
    return wait.peer if named and frames else ""
