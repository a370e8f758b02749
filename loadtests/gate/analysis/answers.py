"""Does head answer each request as base does? Counted by the name of the request. PURE.

All requests together hide what one of them does. A request that always fails is lost among a
thousand others. And an answer with a status below 400 is a good one: a head that redirects to a
login, where base gives a page, would look fast.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import bdtrc

from loadtests.analysis import samples
from loadtests.analysis.failures.counting import NO_NAME, OTHER_NAMES
from loadtests.analysis.failures.shape import ERROR_LIMIT_RATIO
from loadtests.analysis.shared.statuses import NOT_MODIFIED
from loadtests.gate.model.evidence import Evidence, Figures
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import SideName
from loadtests.model.failures import AnswerCount
from loadtests.model.tested.workload import Workload

MOST_NAMES = 40
"""Names with counts of their own in one window; the rarest of more are counted together."""

TIMES = 2.0
"""A kind of answer that base gives, too, has to be this many times as frequent in head."""

FEWEST_STARTS = 3
"""Starts of head in which it was seen: what hit one start or two may be a stall. So the starts in
which it was seen most, one less than this, count for nothing."""

BODY_RATIO = 0.5
"""Head's mean body over base's, from which on downwards its answers may be empty or cut off."""

FAILED = "failed"
PAGE = "2xx"
KNOWN_PAGE = str(NOT_MODIFIED)
"""The kind of an answer that stands for the page that the client has already."""

CONDITIONS = frozenset({"if-none-match", "if-modified-since"})
"""Headers of a request that may be answered so (RFC 9110, 13.1)."""

START = "before a user's first task"
"""Stands for the names of all requests that users send before their first task, such as a login."""

START_OK = "ok"
"""The kind of those that did not fail: their status is not told."""


def counted(
    columns: samples.Columns, names: Sequence[str], *, good: samples.Flags, failed: samples.Flags
) -> tuple[AnswerCount, ...]:
    """Return how the requests of each name ended, the commonest name first.

    ``good`` and ``failed`` are the rows that count; ``names`` is the table of names.
    """
    ranked = Counter(columns.name[good | failed].tolist()).most_common()
    own = [index for index, _ in ranked[:MOST_NAMES]]
    groups = [(names[index] if 0 <= index < len(names) else NO_NAME, [index]) for index in own]
    if ranked[MOST_NAMES:]:
        groups.append((OTHER_NAMES, [index for index, _ in ranked[MOST_NAMES:]]))
    return tuple(_count(columns, name, indices, good, failed) for name, indices in groups)


def _count(
    columns: samples.Columns,
    name: str,
    indices: Sequence[int],
    good: samples.Flags,
    failed: samples.Flags,
) -> AnswerCount:
    of_name = np.isin(columns.name, indices)
    right = of_name & good
    bodies = columns.body_bytes
    kinds = Counter(map(_kind_of, columns.status[right].tolist()))
    return AnswerCount(
        name=name,
        good=dict(sorted(kinds.items())),
        failed=int(np.count_nonzero(of_name & failed)),
        body_bytes=None if bodies is None else int(bodies[right].sum()),
    )


def _kind_of(status: int) -> str:
    return KNOWN_PAGE if status == NOT_MODIFIED else f"{status // 100}xx"


def of_starts(requests: int, failed: int) -> tuple[AnswerCount, ...]:
    """Return how requests before users' first tasks ended, as one name; () without any."""
    if not requests:
        return ()
    return (AnswerCount(name=START, good={START_OK: requests - failed}, failed=failed),)


@dataclass(kw_only=True)
class Tally:
    """The answers of one version to one request; ``starts`` has those of each start, by kind."""

    kinds: Counter[str] = field(default_factory=Counter)
    starts: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    body_bytes: int = 0
    """0 where nobody counted them."""

    @property
    def total(self) -> int:
        """All answers, good and failed."""
        return sum(self.kinds.values())

    @property
    def good(self) -> int:
        """The answers that did not fail."""
        return self.total - self.kinds[FAILED]

    @property
    def mean_body_bytes(self) -> float | None:
        """Bytes of a good answer's body on average; None without any."""
        return self.body_bytes / self.good if self.good else None


@dataclass(frozen=True, kw_only=True)
class Place:
    """One request of one worker model, to ``replicas`` of a version at once; by both versions."""

    worker: str
    replicas: int
    name: str
    base: Tally
    head: Tally


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A kind of answer that head gives more often than base, beyond chance."""

    place: Place
    kind: str

    @property
    def totals(self) -> tuple[int, int]:
        """Of how many answers of base and of head a kind is a share: a good one of the good."""
        base, head = self.place.base, self.place.head
        return (base.total, head.total) if self.kind == FAILED else (base.good, head.good)

    @property
    def ratios(self) -> tuple[float, float]:
        """The share of base's answers that are of this kind, and that of head's."""
        base_of, head_of = self.totals
        return (
            self.place.base.kinds[self.kind] / base_of if base_of else 0.0,
            self.place.head.kinds[self.kind] / head_of if head_of else 0.0,
        )

    def __str__(self) -> str:
        place, kind = self.place, self.kind
        how = "failed" if kind == FAILED else f"had a status {kind}"
        at = "" if place.replicas == 1 else f" at {place.replicas} replicas"
        return (
            f"{place.head.kinds[kind]:,} of {self.totals[1]:,} requests {place.name} to"
            f" head{at} {how}, {place.base.kinds[kind]:,} of {self.totals[0]:,} to base."
        )


def spread(starts: Iterable[int]) -> int:
    """Return what starts show together, without those that show most: they may have stalled."""
    return sum(sorted(starts)[: 1 - FEWEST_STARTS])


def failures_by_start(evidence: Evidence) -> list[int]:
    """Return how many requests to head failed in each pair and each block."""
    of_pairs = [sum(window.head.failed for window in pair.windows) for pair in evidence.pairs]
    of_blocks = [
        sum(window.figures.failed for window in block.windows if window.side is SideName.HEAD)
        for block in evidence.blocks
    ]
    return of_pairs + of_blocks


def differences(plan: GatePlan, evidence: Evidence, *, level: float) -> tuple[Difference, ...]:
    """Return the kinds of answers that head gives more often than base, the surest first.

    If both versions gave a kind equally often, head's share of all answers of that kind would be
    binomial (the conditional test of Przyborowski and Wilenski 1940). The tests are one-sided, and
    have the ``level`` together (Bonferroni). They take answers as independent; see :func:`spread`.
    """
    pairs = [
        Difference(place=place, kind=kind)
        for place in places(plan, evidence)
        if place.base.total and place.head.total
        for kind in place.head.kinds
        if kind == FAILED or place.base.good  # else there is nothing to be unlike
    ]
    pages = {PAGE, KNOWN_PAGE} if _may_know_pages(plan.asked) else {PAGE}
    found = [
        (_chance(pair), pair)
        for pair in pairs
        if _is_frequent(pair) and not (pair.kind in pages and _gives_pages(pair.place.base))
    ]
    shown = [(chance, pair) for chance, pair in found if chance < level / len(pairs)]
    return tuple(pair for _, pair in sorted(shown, key=lambda entry: entry[0]))


def _is_frequent(pair: Difference) -> bool:
    base, head = pair.ratios
    return head >= max(ERROR_LIMIT_RATIO, TIMES * base)


def _gives_pages(base: Tally) -> bool:
    """Return whether base gives pages; more of them in the place of redirects are a repair."""
    pages = base.kinds[PAGE] + base.kinds[KNOWN_PAGE]
    return pages >= ERROR_LIMIT_RATIO * base.good


def _may_know_pages(load: Workload | None) -> bool:
    """Return whether users may say which page they have; to others, 304 is an empty answer."""
    if load is None:
        return False
    lists = (load.headers, *(each.headers for each in (*load.requests, *load.start)))
    names = {name.lower() for headers in lists for name in headers}
    return load.locustfile is not None or not CONDITIONS.isdisjoint(names)


def _chance(pair: Difference) -> float:
    base, head = pair.place.base.kinds[pair.kind], spread(pair.place.head.starts[pair.kind])
    return chance((base, head), pair.totals)


def chance(seen: tuple[int, int], totals: tuple[int, int]) -> float:
    """Return how likely head shows so many at the least, if it were like base.

    ``seen`` and ``totals`` are base's and head's; see :func:`differences` for the test.
    """
    (base, head), (base_of, head_of) = seen, totals
    return float(bdtrc(head - 1, base + head, head_of / (base_of + head_of))) if head else 1.0


def shorter(plan: GatePlan, evidence: Evidence) -> Iterator[str]:
    """Tell of requests that head answers with bodies of less than half the length."""
    for place in places(plan, evidence):
        base, head = place.base.mean_body_bytes, place.head.mean_body_bytes
        if place.replicas == 1 and base and head is not None and head < BODY_RATIO * base:
            yield (
                f"{place.worker}: head answers {place.name} with {head:,.0f} bytes, base with"
                f" {base:,.0f}. If that is not meant, head is faster because it does less. Say what"
                " an answer must contain (expect)."
            )


def places(plan: GatePlan, evidence: Evidence) -> Iterator[Place]:
    """Yield each request of each worker model, at one replica and at two."""
    for worker in plan.workers:
        alone = evidence.pairs_of(worker)
        yield from _places(
            worker,
            1,
            [[window.base for window in pair.windows] for pair in alone],
            [[window.head for window in pair.windows] for pair in alone],
        )
        blocks = evidence.blocks_of(worker)
        several = {window.replicas for block in blocks for window in block.windows} - {1}
        for replicas in sorted(several):
            sides = (
                [
                    [
                        window.figures
                        for window in block.windows
                        if (window.side, window.replicas) == (side, replicas)
                    ]
                    for block in blocks
                ]
                for side in SideName
            )
            yield from _places(worker, replicas, *sides)


def _places(
    worker: str,
    replicas: int,
    base: Sequence[Sequence[Figures]],
    head: Sequence[Sequence[Figures]],
) -> Iterator[Place]:
    """Yield the requests of two versions, by starts: the figures of the windows of each."""
    of_base, of_head = _tallies(base), _tallies(head)
    for name in dict.fromkeys((*of_base, *of_head)):
        yield Place(
            worker=worker,
            replicas=replicas,
            name=name,
            base=of_base.get(name, Tally()),
            head=of_head.get(name, Tally()),
        )


def _tallies(starts: Iterable[Sequence[Figures]]) -> dict[str, Tally]:
    """Return the answers of one version by the request's name, in one pass over its windows."""
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    for windows in starts:
        seen: Counter[tuple[str, str]] = Counter()
        for count in (count for window in windows for count in window.answers):
            tally = tallies[count.name]
            own = {**count.good, FAILED: count.failed}
            tally.kinds.update(own)
            tally.body_bytes += count.body_bytes or 0
            seen.update({(count.name, kind): number for kind, number in own.items()})
        for (name, kind), number in seen.items():
            tallies[name].starts[kind].append(number)
    return tallies
