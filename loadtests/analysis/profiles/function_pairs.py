"""Pairs of starts of two versions, whose samples are compared function by function. PURE."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from loadtests.analysis.profiles import flames
from loadtests.analysis.profiles.call_paths import BASE, HEAD
from loadtests.model.profiles.functions import FunctionProfile, StartProfile
from loadtests.model.profiles.results import FlameNode

LEAST_PAIRS = 4
"""Fewer give no interval that means anything."""

OUTSIDE = -1
"""Work of the server or of the interpreter: no function of the user's."""

ONE_SIDED = -2
"""Code of the user's that only one version has, on stacks without a function of both versions."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One start of each version: its samples by function, and all of them, by version."""

    base: StartProfile
    head: StartProfile
    counts: Mapping[str, Mapping[int, int]]
    totals: Mapping[str, int]
    user_ratio: float
    """The part of CPU outside of the kernel, which samples divide; one for all starts."""

    @property
    def cpu_ratio(self) -> float:
        """Head's CPU per request over base's, by the kernel's counters."""
        return self.cpu_us(HEAD) / self.cpu_us(BASE)

    def cpu_us(self, side: str) -> float:
        """Return a start's CPU per request, in microseconds."""
        used = (self.base if side == BASE else self.head).cpu_us_per_request
        assert used
        return used

    def share(self, side: str, function: int) -> float:
        """Return a function's share of a start's CPU."""
        return self.user_ratio * self.counts[side].get(function, 0) / self.totals[side]

    def by_cpu(self, function: int) -> float:
        """Return the change as a share of base's CPU, by shares and the kernel's counters."""
        return self.share(HEAD, function) * self.cpu_ratio - self.share(BASE, function)

    def by_samples(self, function: int) -> float:
        """Return the change as a share of base's CPU, by samples per request."""
        of_base = self.base.requests / self.head.requests * self.totals[HEAD] / self.totals[BASE]
        return self.share(HEAD, function) * of_base - self.share(BASE, function)

    def variance(self, function: int) -> float:
        """Return the variance that the numbers of samples alone give :meth:`by_cpu`."""
        base, head = (self.share(side, function) / self.user_ratio for side in (BASE, HEAD))
        of_head = self.cpu_ratio**2 * head * (1 - head) / self.totals[HEAD]
        return self.user_ratio**2 * (base * (1 - base) / self.totals[BASE] + of_head)


def owners_of(profile: FunctionProfile) -> Sequence[int]:
    """Return for each path the function that its time counts for.

    It is the innermost one that both versions have: what only one of them has counts for its
    caller, so that code that moved into a new function has not changed. Where no caller is in both
    versions, all such code has one owner: a function that was renamed, or moved into another file,
    is there on both sides, and has not changed either.
    """
    return [
        next(
            (
                place
                for place in reversed(path.functions)
                if profile.functions[place].in_base and profile.functions[place].in_head
            ),
            ONE_SIDED if path.functions else OUTSIDE,
        )
        for path in profile.paths
    ]


def pairs_of(profile: FunctionProfile, owners: Sequence[int]) -> list[Pair]:
    """Return the pairs of which both starts have samples, requests and CPU."""
    starts = {(start.pair, start.side): start for start in profile.starts}
    user_ratio = _user_ratio(profile.starts)
    pairs = []
    for number in sorted({start.pair for start in profile.starts}):
        base, head = starts.get((number, BASE)), starts.get((number, HEAD))
        if base is None or head is None or not (_is_useful(base) and _is_useful(head)):
            continue
        counts = {side: _counts(start, owners) for side, start in ((BASE, base), (HEAD, head))}
        totals = {side: sum(of_side.values()) for side, of_side in counts.items()}
        pairs.append(
            Pair(base=base, head=head, counts=counts, totals=totals, user_ratio=user_ratio)
        )
    return pairs


def _user_ratio(starts: Sequence[StartProfile]) -> float:
    """Return the mean share of CPU outside of the kernel, 1 where it is not known.

    The kernel counts it in ticks, too roughly for each start by itself.
    """
    known = [start.user_ratio for start in starts if start.user_ratio]
    return math.fsum(known) / len(known) if known else 1.0


def _is_useful(start: StartProfile) -> bool:
    return bool(start.samples and start.requests and start.cpu_us_per_request)


def _counts(start: StartProfile, owners: Sequence[int]) -> Mapping[int, int]:
    counts: Counter[int] = Counter()
    for path, count in start.samples:
        counts[owners[path]] += count
    return counts


def shares_of(pairs: Sequence[Pair], side: str) -> Mapping[int, float]:
    """Return the share of base's CPU per request of each path, as a mean over the pairs."""
    shares: dict[int, float] = defaultdict(float)
    for pair in pairs:
        start, ratio = (pair.base, 1.0) if side == BASE else (pair.head, pair.cpu_ratio)
        for path, count in start.samples:
            shares[path] += pair.user_ratio * count / pair.totals[side] * ratio / len(pairs)
    return shares


def flame_of(profile: FunctionProfile) -> FlameNode | None:
    """Return the difference flame graph: head's CPU per request, and how each box changed.

    None where the profile shows nothing.
    """
    pairs = pairs_of(profile, owners_of(profile))
    if profile.unseen or len(pairs) < LEAST_PAIRS:
        return None
    base_ms = math.fsum(pair.cpu_us(BASE) for pair in pairs) / len(pairs) / 1000
    head, base = (_by_label(profile, shares_of(pairs, side), base_ms) for side in (HEAD, BASE))
    return flames.difference("CPU of a request, without the kernel's", head, base)


def _by_label(
    profile: FunctionProfile, shares: Mapping[int, float], base_time: float
) -> Mapping[tuple[str, ...], float]:
    times: dict[tuple[str, ...], float] = defaultdict(float)
    for path, share in shares.items():
        times[_labels(profile, path)] += share * base_time
    return times


def _labels(profile: FunctionProfile, number: int) -> tuple[str, ...]:
    path = profile.paths[number]
    if not path.functions:
        return ("the server and the interpreter",)
    functions = [profile.functions[place] for place in path.functions]
    names = [f"{flames.short(function.file)} {function.name}" for function in functions]
    return (*names, path.callee) if path.callee else tuple(names)


def collapsed(profile: FunctionProfile) -> Mapping[str, str]:
    """Return the stacks of both versions as texts for flame graph programs, by the file's ending.

    ``outer;inner microseconds`` a line for each version, and ``outer;inner base head`` for the
    difference, the form that ``flamegraph.pl`` reads. Empty where the profile shows nothing.
    """
    pairs = pairs_of(profile, owners_of(profile))
    if profile.unseen or len(pairs) < LEAST_PAIRS:
        return {}
    base_us = math.fsum(pair.cpu_us(BASE) for pair in pairs) / len(pairs)
    times = {side: _by_label(profile, shares_of(pairs, side), base_us) for side in (BASE, HEAD)}
    whole = {
        side: {";".join(labels): round(us) for labels, us in of_side.items()}
        for side, of_side in times.items()
    }
    paths = sorted({*whole[BASE], *whole[HEAD]})
    difference = ((path, whole[BASE].get(path, 0), whole[HEAD].get(path, 0)) for path in paths)
    return {
        **{f"{side}.collapsed": _lines(whole[side].items()) for side in (BASE, HEAD)},
        "difference.folded": "".join(
            f"{path} {base} {head}\n" for path, base, head in difference if base or head
        ),
    }


def _lines(times: Iterable[tuple[str, int]]) -> str:
    return "".join(f"{path} {us}\n" for path, us in sorted(times) if us)
