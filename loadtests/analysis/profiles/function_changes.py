"""Which functions' own CPU per request changed between two versions. PURE.

A share s of N independent samples has the standard deviation √(s(1 − s)/N) (binomial; Cochran 1977,
*Sampling Techniques*, chapter 3). To see a change of 5 % of all CPU within 1 point, each side needs
some 4,000 samples. But the samples of a start are not independent, and starts differ, so the unit
is the start. Each pair of starts (one core, the same arrivals) gives one difference, and Student's
t over the pairs gives interval and p-value. The standard error is at least that of the samples,
because few pairs may agree by chance. Each interval is that of one function alone.

A difference is a share of base's CPU per request. It is counted in two ways: by the share of a
start's samples times its CPU outside of the kernel (which no sample shows) by the kernel's
counters, and by samples per request. The first would
spread CPU outside of Python over all functions; a core that is busy elsewhere changes the second. A
change is named only if both ways show it (the larger p-value: intersection–union test, Berger 1982,
Technometrics 24:295).

The error is controlled over all functions by Benjamini and Hochberg (1995, J. R. Stat. Soc. B
57:289) at ``LEVEL``: without any change, one in a hundred gates names a function. Which functions
are tested depends on their samples in both versions together only, so it does not spoil that
(Bourgon, Gentleman and Huber 2010, PNAS 107:9546).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scipy.special import stdtrit

from loadtests.analysis.intervals import standard_error, student_chance, student_quantile
from loadtests.analysis.profiles.call_paths import BASE, HEAD
from loadtests.analysis.profiles.function_pairs import (
    LEAST_PAIRS,
    ONE_SIDED,
    OUTSIDE,
    Pair,
    owners_of,
    pairs_of,
    shares_of,
)
from loadtests.model.profiles.functions import (
    Function,
    FunctionChange,
    FunctionChanges,
    FunctionProfile,
)
from loadtests.model.profiles.results import Span

LEVEL = 0.01
"""Expected share of the named functions that did not change, at most."""

LEAST_SAMPLES = 20
"""Functions with fewer samples in both versions together are not tested."""

LEAST_RATIO = 0.005
"""A change below half a per cent of all CPU is not named, even if it is shown."""

MOST_FUNCTIONS = 20
"""Functions that a result keeps, beside those that changed."""

MOST_OF_IT = 0.5
"""The part of a function's change that one library function has, if it is told as the callee."""

MOST_BESIDE = 0.05
"""Where the smaller side of code that only one version has is more than this part of the larger
one, functions may have been renamed, or moved into another file."""

SEVERAL = Function(file="", name="code that only one version has")
"""Stands for functions of which nobody knows which one of the other version each one is."""

TOO_FEW = "Too few starts of both versions gave samples to compare their functions."


@dataclass(frozen=True, kw_only=True)
class _Tested:
    """One function's change over all pairs."""

    mean: float
    error: float
    chance: float
    degrees: int

    @property
    def span(self) -> Span:
        margin = student_quantile(self.degrees) * self.error
        return Span(estimate=self.mean, low=self.mean - margin, high=self.mean + margin)


def changes_of(profile: FunctionProfile) -> FunctionChanges:
    """Return which functions changed, and by how much of base's whole CPU per request."""
    bare = FunctionChanges(
        worker=profile.worker, looking_cpus=profile.looking_cpus, unseen=profile.unseen
    )
    owners = owners_of(profile)
    pairs = pairs_of(profile, owners)
    if profile.unseen or len(pairs) < LEAST_PAIRS:
        return replace(bare, pairs=len(pairs), unseen=profile.unseen or TOO_FEW)
    pooled: Counter[int] = Counter()
    for pair in pairs:
        for side in (BASE, HEAD):
            pooled.update(pair.counts[side])
    tested = {
        place: _test(pairs, place)
        for place, count in sorted(pooled.items())
        if count >= LEAST_SAMPLES and place != OUTSIDE
    }
    named = discoveries({place: test.chance for place, test in tested.items()}, LEVEL)
    shown = {place for place in named if abs(tested[place].mean) >= LEAST_RATIO}
    order = sorted(tested, key=lambda place: (place not in shown, -abs(tested[place].mean)))
    details = _Details(profile, owners, pairs)
    return replace(
        bare,
        pairs=len(pairs),
        samples=sum(pooled.values()),
        tested=len(tested),
        whole=_whole(pairs),
        visible_ratio=_visible(list(tested.values())),
        functions=tuple(
            _change(details, place, tested[place], is_changed=place in shown)
            for place in order[: max(MOST_FUNCTIONS, len(shown))]
        ),
    )


def discoveries(chances: Mapping[int, float], level: float) -> set[int]:
    """Return whose p-values Benjamini and Hochberg (1995) call discoveries at a level."""
    order = sorted(chances, key=lambda name: (chances[name], name))
    count = len(order)
    last = max(
        (rank for rank, name in enumerate(order, 1) if chances[name] <= level * rank / count),
        default=0,
    )
    return set(order[:last])


def _test(pairs: Sequence[Pair], place: int) -> _Tested:
    count = len(pairs)
    least = math.sqrt(math.fsum(pair.variance(place) for pair in pairs)) / count
    ways = []
    for values in (
        [pair.by_cpu(place) for pair in pairs],
        [pair.by_samples(place) for pair in pairs],
    ):
        mean, error = math.fsum(values) / count, max(standard_error(values), least)
        ways.append((mean, error, student_chance(mean / error, count - 1) if error else 1.0))
    (mean, error, by_cpu), (other, _, by_samples) = ways
    chance = max(by_cpu, by_samples) if mean * other > 0 else 1.0
    return _Tested(mean=mean, error=error, chance=chance, degrees=count - 1)


def _whole(pairs: Sequence[Pair]) -> Span:
    logs = [math.log(pair.cpu_ratio) for pair in pairs]
    mean = math.fsum(logs) / len(logs)
    margin = student_quantile(len(logs) - 1) * standard_error(logs)
    estimate, low, high = (math.expm1(mean + step) for step in (0.0, -margin, margin))
    return Span(estimate=estimate, low=low, high=high)


def _visible(tested: Sequence[_Tested]) -> float | None:
    """Return the change that would be shown alone, in the function whose error is the largest."""
    if not tested:
        return None
    quantile = -float(stdtrit(tested[0].degrees, LEVEL / len(tested) / 2))
    return max(LEAST_RATIO, quantile * max(test.error for test in tested))


def _change(details: _Details, place: int, tested: _Tested, *, is_changed: bool) -> FunctionChange:
    named = details.alone() if place == ONE_SIDED else place
    function = SEVERAL if named is None else details.profile.functions[named]
    # A line of base in a function that head has not may stand in another function of head's.
    line = details.line(place, named, tested.mean) if function.in_head else 0
    return FunctionChange(
        file=function.file,
        line=line or function.line,
        base_line=function.base_line,
        name=function.name,
        checkout=function.checkout,
        base_us=details.cpu_us(place, BASE),
        head_us=details.cpu_us(place, HEAD),
        change=_rounded(tested.span),
        chance=float(f"{tested.chance:.4g}"),
        is_changed=is_changed,
        new_callees=details.only(place, named, HEAD) if is_changed else (),
        gone_callees=details.only(place, named, BASE) if is_changed else (),
        callee=details.callee(place, tested.mean),
    )


def _rounded(span: Span) -> Span:
    return Span(estimate=round(span.estimate, 5), low=round(span.low, 5), high=round(span.high, 5))


class _Details:
    """Where a function's change is: by line, by callee, and in functions of one version only."""

    def __init__(
        self, profile: FunctionProfile, owners: Sequence[int], pairs: Sequence[Pair]
    ) -> None:
        self.profile = profile
        self._pairs = pairs
        self._shares = {side: shares_of(pairs, side) for side in (BASE, HEAD)}
        self._paths: dict[int, list[int]] = defaultdict(list)
        for path, owner in enumerate(owners):
            self._paths[owner].append(path)

    def cpu_us(self, place: int, side: str) -> float:
        """Return a function's CPU per request in microseconds, as a mean over the pairs."""
        times = [pair.share(side, place) * pair.cpu_us(side) for pair in self._pairs]
        return round(math.fsum(times) / len(times), 3)

    def alone(self) -> int | None:
        """Return the function that nearly all code of one version is in; None without one.

        Where the other version has such code, too, nobody knows which functions are the same ones.
        """
        totals = {side: math.fsum(self._of_one_version(side).values()) for side in (BASE, HEAD)}
        side = max(totals, key=lambda side: totals[side])
        if min(totals.values()) > MOST_BESIDE * totals[side]:
            return None
        shares = self._of_one_version(side)
        function = max(shares, key=lambda function: shares[function])
        return function if shares[function] >= MOST_OF_IT * totals[side] else None

    def _of_one_version(self, side: str) -> Mapping[int, float]:
        """Return the share of each outermost function without one of both versions around it."""
        shares: dict[int, float] = defaultdict(float)
        for number in self._paths[ONE_SIDED]:
            shares[self.profile.paths[number].functions[0]] += self._shares[side].get(number, 0.0)
        return shares

    def line(self, place: int, function: int | None, change: float) -> int:
        """Return the function's own line with most of the change; 0 if that is not known.

        Where the change is in a function that the other version has not, no own line has it.
        """
        growth: dict[int, float] = defaultdict(float)
        for number in self._paths[place]:
            path = self.profile.paths[number]
            if path.functions[-1] == function and path.line:
                growth[path.line] += self._growth(number)
        sign = math.copysign(1, change)
        line = max(growth, key=lambda line: sign * growth[line], default=0)
        return line if line and sign * growth[line] > 0 else 0

    def callee(self, place: int, change: float) -> str:
        """Return the library function that has most of the change, or ""."""
        growth: dict[str, float] = defaultdict(float)
        for number in self._paths[place]:
            growth[self.profile.paths[number].callee] += self._growth(number)
        sign = math.copysign(1, change)
        name = max(growth, key=lambda name: sign * growth[name], default="")
        return name if name and growth[name] / change >= MOST_OF_IT else ""

    def only(self, place: int, function: int | None, side: str) -> tuple[str, ...]:
        """Return the functions that only this version has, which count for this one."""
        names = set()
        for number in self._paths[place]:
            for callee in self.profile.paths[number].functions:
                called = self.profile.functions[callee]
                here, there = called.in_head, called.in_base
                if side == BASE:
                    here, there = there, here
                if here and not there and callee != function and self._shares[side].get(number):
                    names.add(called.name)
        return tuple(sorted(names))

    def _growth(self, path: int) -> float:
        return self._shares[HEAD].get(path, 0.0) - self._shares[BASE].get(path, 0.0)
