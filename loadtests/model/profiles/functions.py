"""The CPU of two versions by function: what was sampled, and what is shown to have changed. PURE.

A *start* is the unit of every interval: samples of one start are not independent of one another.
"""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.model.profiles.results import Span


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function, the same one in both versions if file and qualified name are the same.

    ``line`` is that of its definition in head, and ``base_line`` that in base of a function that
    head has not; 0 if not known.
    ``checkout`` is its file's path in the checkout, where that file is the one that ran; else "".
    """

    file: str
    name: str
    line: int = 0
    in_base: bool = True
    in_head: bool = True
    checkout: str = ""
    base_line: int = 0


@dataclass(frozen=True, kw_only=True)
class CallPath:
    """The user's own functions on a stack, outermost first: places in ``functions``.

    Without any, it is work of the server or of the interpreter. ``line`` is the innermost one's, as
    head counts lines; 0 for a line that head has not. ``callee`` is what that line called in a
    library.
    """

    functions: tuple[int, ...]
    line: int = 0
    callee: str = ""


@dataclass(frozen=True, kw_only=True)
class StartProfile:
    """One start under the load: its ``samples`` are places in ``paths`` with their counts.

    ``side`` is ``base`` or ``head``; the two of one ``pair`` had the same arrivals and one core.
    ``cpu_us_per_request`` is by the kernel's counters, in the same window. ``user_ratio`` is the
    share of it outside of the kernel, which samples can show; None where that is not known.
    """

    side: str
    pair: int
    start: str
    requests: int
    cpu_us_per_request: float | None
    samples: tuple[tuple[int, int], ...]
    user_ratio: float | None = None


@dataclass(frozen=True, kw_only=True)
class FunctionProfile:
    """Many starts of both versions, sampled ``rate_hz`` times a second for ``window_s`` seconds.

    A sample is the stack of the thread that holds the interpreter's lock. ``looking_cpus`` is what
    sampling cost, in CPU-seconds per second, beside the replicas. ``unseen`` says why there is
    nothing, in a sentence with the way out.
    """

    worker: str
    rate_hz: float = 0.0
    window_s: float = 0.0
    functions: tuple[Function, ...] = ()
    paths: tuple[CallPath, ...] = ()
    starts: tuple[StartProfile, ...] = ()
    looking_cpus: float | None = None
    unseen: str = ""


@dataclass(frozen=True, kw_only=True)
class FunctionChange:
    """One function's own CPU per request in both versions, in microseconds.

    Own is what it does itself and in the libraries that it calls, not in other functions of the
    user's. ``change`` is the difference as a share of base's whole CPU per request, with its 95 %
    interval: 0.046 is 4.6 % more of all. ``chance`` is the p-value; ``is_changed`` means that the
    change is shown, with the error controlled over all functions. ``line`` has most of the change.
    ``new_callees`` exist in head only, ``gone_callees`` in base only; their time counts as this
    function's. ``callee`` is the function of a library in which most of the change is, or "".
    ``base_line`` is the line in base of a function that head has not; ``line`` is then 0.
    Without a ``file`` it is code that only one version has, in functions that may be renamed ones.
    """

    file: str
    line: int
    name: str
    checkout: str
    base_us: float
    head_us: float
    change: Span
    chance: float
    is_changed: bool
    new_callees: tuple[str, ...] = ()
    gone_callees: tuple[str, ...] = ()
    callee: str = ""
    base_line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.name}" if self.file else self.name


@dataclass(frozen=True, kw_only=True)
class FunctionChanges:
    """What profiles of a worker model show of the change.

    ``whole`` is the change of the whole CPU per request, as a ratio, in the windows of the profile.
    ``functions`` are those with the largest change first; ``tested`` is how many were compared.
    ``visible_ratio`` is the smallest change that would be shown in any of them. ``cost_ratio`` is
    base's CPU per request while it was sampled, over that in the open windows of its pairs, less 1.
    """

    worker: str
    pairs: int = 0
    samples: int = 0
    tested: int = 0
    whole: Span | None = None
    functions: tuple[FunctionChange, ...] = ()
    visible_ratio: float | None = None
    looking_cpus: float | None = None
    cost_ratio: float | None = None
    sentence: str = ""
    unseen: str = ""

    @property
    def changed(self) -> tuple[FunctionChange, ...]:
        """Those that are shown to have changed, the largest change first."""
        return tuple(each for each in self.functions if each.is_changed)
