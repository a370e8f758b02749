"""The time of a request by line of code. PURE.

Little's law (Little 1961): the mean number of requests in a place is their rate times the mean time
that each spends there. Looks give the mean number, the load generator the rate, and their ratio is
the time. Looks that follow one another see the same request, so the interval is that of batch
means (Law and Kelton, *Simulation Modeling and Analysis*): the looks in order, in ``BATCHES``
batches of equal length, Student's t over their means.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from loadtests.analysis.intervals import standard_error, student_quantile
from loadtests.analysis.profiles import frames as of_request
from loadtests.analysis.profiles import own_code
from loadtests.model.profiles.records import CellProfile, Frame, Look, Stack, Waiting
from loadtests.model.profiles.results import LineTime, ProfileResult, Span

BATCHES = 10
"""Batches of an interval: enough for Student's t, and each still has several looks."""

MOST_LINES = 30
"""Lines that a result keeps; the rest together is rarely 1 % of a request."""

LEAST_LOOKS = 10
"""Fewer looks give no interval that means anything."""

QUEUED_FACTOR = 3.0
"""Requests that are seen on the CPU for this many times what they used had to queue for it."""

LEAST_WAIT_RATIO = 0.25
"""A line mostly waits if its waits are at least this share of its time on the CPU or queued."""

LEAST_EXCESS_RATIO = 0.1
"""By so much, the time in the application may be above the response time. In steady profile trials
it was 3 % at most, in those with too few answers 45 % and more (results/causes.json, gevent)."""

RATE_ERRORS = 2.0
"""Standard errors of the rate that may be noise."""

MILLISECONDS = 1000.0

Weigh = Callable[[int], Hashable | None]
"""The class of a stack by its number, or None where it does not count."""


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean of looks with its standard error; both in ms per request."""

    ms: float
    error_ms: float
    degrees: int

    @property
    def span(self) -> Span:
        """The mean with its 95 % interval; a time is never below 0."""
        margin = student_quantile(self.degrees) * self.error_ms
        return Span(estimate=self.ms, low=max(0.0, self.ms - margin), high=self.ms + margin)


class Requests:
    """The requests that the looks at one cell saw."""

    def __init__(self, profile: CellProfile) -> None:
        self.profile = profile
        self.frames: tuple[tuple[Frame, ...], ...] = tuple(
            of_request.request_frames(stack, profile.server) for stack in profile.stacks
        )
        self._folders = of_request.package_folders(stack.frames for stack in profile.stacks)

    @cached_property
    def _called(self) -> own_code.Called:
        return own_code.called_packages(self.frames, self._folders, self.profile.application)

    @property
    def can_tell(self) -> bool:
        """Whether there is enough for an estimate."""
        return len(self.profile.looks) >= LEAST_LOOKS and self.profile.throughput_rps > 0

    @property
    def _ms_per_thread(self) -> float:
        """Return the ms per request that one thread seen in every look stands for."""
        return MILLISECONDS * self.profile.processes / self.profile.rate_rps

    def means(self, weigh: Weigh) -> dict[Hashable, Mean]:
        """Return the ms per request of each class of stacks."""
        batches = [self._counts(batch, weigh) for batch in _batches(self.profile.looks)]
        classes = {name for batch in batches for name in batch}
        return {name: self._mean([batch.get(name, 0.0) for batch in batches]) for name in classes}

    def _counts(self, looks: Sequence[Look], weigh: Weigh) -> Mapping[Hashable, float]:
        counts: Counter[Hashable] = Counter()
        for look in looks:
            for number in look.stacks:
                name = weigh(number) if self.frames[number] else None
                if name is not None:
                    counts[name] += 1
        return {name: count / len(looks) for name, count in counts.items()}

    def _mean(self, values: Sequence[float]) -> Mean:
        scaled = [value * self._ms_per_thread for value in values]
        return Mean(
            ms=math.fsum(scaled) / len(scaled),
            error_ms=standard_error(scaled),
            degrees=len(scaled) - 1,
        )

    def place(self, number: int) -> tuple[str, int, str]:
        """Return the line of the user's own that a stack is at."""
        frame, _ = self.own_line(number)
        return frame.file, frame.line, frame.name

    def own_line(self, number: int) -> tuple[Frame, str]:
        """Return the innermost frame of the user's own of a stack, and what it called."""
        return own_code.own_line(self.frames[number], self._folders, self._called)

    def stack(self, number: int) -> Stack:
        """Return a stack by its number."""
        return self.profile.stacks[number]


def _batches(looks: Sequence[Look]) -> list[Sequence[Look]]:
    """Return the looks in order, in batches whose lengths differ by one at most."""
    count = min(BATCHES, len(looks))
    edges = [round(index * len(looks) / count) for index in range(count + 1)]
    return [looks[start:end] for start, end in pairwise(edges)]


def result_of(profile: CellProfile, measured_rps: float | None = None) -> ProfileResult:
    """Return where the requests of one cell spend their time.

    ``measured_rps`` is the cell's throughput in the measured rounds, to state what looking costs.
    """
    requests = Requests(profile)
    told = profile.unseen or (_too_few(profile) if not requests.can_tell else "")
    bare = ProfileResult(
        cell=profile.cell,
        looks=len(profile.looks),
        throughput_rps=profile.throughput_rps,
        mean_ms=profile.mean_ms,
        looking_cpus=profile.looking_cpus,
        slowdown_ratio=_slowdown(profile, measured_rps),
        unseen=told,
        note=profile.note,
        store=profile.store,
        store_note=profile.store_note,
    )
    return bare if told else _with_times(bare, requests)


def _too_few(profile: CellProfile) -> str:
    if len(profile.looks) >= LEAST_LOOKS:
        return (
            f"No correct answer fell into the {profile.window_s:.1f} s of the profile trial, so the"
            " time of a request cannot be told. Requests take longer, or fail."
        )
    reasons = sorted(profile.failures, key=lambda reason: -profile.failures[reason])
    why = f" {reasons[0]}" if reasons else ""
    return f"Only {len(profile.looks)} looks gave stacks; that is too few.{why}"


def _slowdown(profile: CellProfile, measured_rps: float | None) -> float | None:
    if not measured_rps or not profile.throughput_rps:
        return None
    return measured_rps / profile.throughput_rps - 1


def _with_times(bare: ProfileResult, requests: Requests) -> ProfileResult:
    whole = requests.means(lambda _: "all").get("all")
    if whole is None:
        told = (
            "No look saw a request inside the application: it is too short to be seen, or its"
            " server calls it in a way that is not known."
        )
        return replace(bare, unseen=told)
    kinds = requests.means(lambda number: requests.stack(number).kind)
    spans = {kind: mean.span for kind, mean in kinds.items() if isinstance(kind, Waiting)}
    if _is_impossible(requests.profile, whole.span):
        return replace(bare, unseen=_unsteady(requests.profile, whole.ms))
    return replace(bare, application_ms=whole.span, lines=lines(requests, whole.ms), kinds=spans)


def _is_impossible(profile: CellProfile, whole: Span) -> bool:
    """Return whether requests would be in the application for longer than they take at all.

    Little's law needs a load whose requests end as fast as they come. The noise of their rate is
    that of a count (Poisson).
    """
    ended = profile.rate_rps * profile.window_s
    if profile.mean_ms is None or ended <= 0:
        return False
    noise_ratio = RATE_ERRORS / math.sqrt(ended)
    return whole.low > profile.mean_ms * (1 + LEAST_EXCESS_RATIO + noise_ratio)


def _unsteady(profile: CellProfile, whole_ms: float) -> str:
    return (
        f"The looks give a request {whole_ms:.0f} ms in the application, and an answer took"
        f" {profile.mean_ms:.0f} ms. So the load of the profile trial was not steady, or requests"
        " failed, and the time of a request cannot be told."
    )


def lines(requests: Requests, whole_ms: float) -> tuple[LineTime, ...]:
    """Return the lines in which requests spend their time, the largest first."""
    totals = requests.means(requests.place)
    details = requests.means(lambda number: (requests.place(number), requests.stack(number).kind))
    told = told_of(requests)
    ran_ratio = _ran_ratio(requests)
    rows = []
    for place, mean in totals.items():
        assert isinstance(place, tuple)
        seen = {kind: details[place, kind].ms for kind in Waiting if (place, kind) in details}
        kinds = without_queue(seen, ran_ratio)
        kind = dominant(kinds)
        callee, peer = told[place, kind]
        rows.append(
            LineTime(
                file=place[0],
                line=place[1],
                name=place[2],
                callee=callee,
                ms=mean.span,
                share_ratio=mean.ms / whole_ms,
                kind=kind,
                kinds=kinds,
                peer=peer,
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.ms.estimate, row.place))[:MOST_LINES])


def _ran_ratio(requests: Requests) -> float:
    """Return the share of the time on the CPU, as it was seen, in which requests really had it."""
    cpu_ms = requests.profile.cpu_ms
    seen = requests.means(lambda number: requests.stack(number).kind).get(Waiting.CPU)
    if cpu_ms is None or seen is None or seen.ms < QUEUED_FACTOR * cpu_ms:
        return 1.0
    return cpu_ms / seen.ms


def without_queue(kinds: Mapping[Waiting, float], ran_ratio: float) -> dict[Waiting, float]:
    """Return a line's times, in ms, with the time in which a thread got no core as a wait.

    A look cannot tell a thread that runs from one that is ready and waits for a core. Where others
    fill the cores, such as the store on the same machine, a thread whose answer has come stands in
    the queue. That belongs to what it waited for on that line, where it mostly waits.
    """
    waits = {kind: ms for kind, ms in kinds.items() if kind not in COMPUTING}
    seen = kinds.get(Waiting.CPU, 0.0)
    if not waits or ran_ratio >= 1 or max(waits.values()) < LEAST_WAIT_RATIO * seen:
        return dict(kinds)
    own = max(waits, key=lambda kind: waits[kind])
    return {**kinds, Waiting.CPU: seen * ran_ratio, own: waits[own] + seen * (1 - ran_ratio)}


COMPUTING = (Waiting.CPU, Waiting.GIL)
"""Both are requests that compute: one has the interpreter's lock, the others wait for it."""


def kind_ms(kinds: Mapping[Waiting, float], kind: Waiting) -> float:
    """Return the time of a kind; computing and waiting for the GIL count together."""
    together = COMPUTING if kind in COMPUTING else (kind,)
    return math.fsum(kinds.get(each, 0.0) for each in together)


def dominant(kinds: Mapping[Waiting, float]) -> Waiting:
    """Return the kind that a line's time mostly has."""
    return max(kinds, key=lambda kind: (kind_ms(kinds, kind), kinds[kind]))


def told_of(requests: Requests) -> Mapping[Hashable, tuple[str, str]]:
    """Return what each line mostly called, and whom it mostly waited for, by line and kind."""
    callees: dict[Hashable, Counter[str]] = defaultdict(Counter)
    peers: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for look in requests.profile.looks:
        for number in look.stacks:
            if not requests.frames[number]:
                continue
            stack = requests.stack(number)
            key = (requests.place(number), stack.kind)
            callees[key][requests.own_line(number)[1]] += 1
            peers[key][stack.peer] += 1
    return {key: (_most(callees[key]), _most(peers[key])) for key in callees}


def _most(counts: Counter[str]) -> str:
    return max(sorted(counts), key=lambda text: counts[text])
