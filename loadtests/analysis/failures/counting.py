"""Counts how the requests of each name ended in a window. PURE."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from loadtests.analysis.failures import late
from loadtests.analysis.failures.kinds import REJECTED_KIND
from loadtests.analysis.shared.statuses import FIRST_ERROR_STATUS, NOT_MODIFIED
from loadtests.model.failures import AnswerExample, FailureCount, RequestOutcomes
from loadtests.model.generator_records import RawTrial
from loadtests.model.plan import Plan
from loadtests.model.trial import Trial

Integers = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]

MOST_NAMES = 100
"""Names with counts of their own in one trial; the rarest of more are counted together."""

OTHER_NAMES = "(other requests)"

NO_NAME = "(no name)"

CLASS = 100
"""Statuses of one class have the same hundreds."""

PAGES = 2
"""The class of 200: more pages in the place of redirects are no fault."""

TIMES = 2.0
"""A class of statuses that the fewest replicas give, too, counts beyond this many times its share
there; the gate has the same (``gate.analysis.answers``)."""

MOST_EXAMPLES = 12
"""Examples of answers that a trial keeps: two of six kinds."""


@dataclass(frozen=True, kw_only=True)
class Endings:
    """How the requests of a trial ended, a row a request; names are indices into ``names``.

    ``duration_us`` is the time from the due moment to the end, ``waited_us`` from the sending.
    """

    name: Integers
    status: Integers
    outcome: Integers
    replica: Integers
    names: Sequence[str]
    outcomes: Sequence[str]
    replicas: Sequence[str]
    duration_us: Integers
    waited_us: Integers
    body_bytes: Integers | None = None


@dataclass(frozen=True, kw_only=True)
class Window:
    """The requests of one name in one window.

    ``unlike`` are good answers of a class of statuses that the fewest replicas gave far less often.
    """

    failed: int
    total: int
    kinds: Mapping[str, int]
    failed_by: Mapping[str, int]
    unlike: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Series:
    """The windows of one request of a worker model and workload, by the number of replicas.

    ``name`` is None for all requests together. ``limit_ms`` is the load's own limit of time, by
    which some failed; None if there is none.
    """

    worker: str
    workload: str
    name: str | None
    windows: Mapping[int, tuple[Window, ...]]
    limit_ms: float | None = None


def outcomes_by_name(
    endings: Endings, *, good: Flags, failed: Flags
) -> tuple[RequestOutcomes, ...]:
    """Return how the requests of each name ended, the commonest name first.

    ``good`` and ``failed`` are the rows that count.
    """
    counted = endings.name[good | failed].tolist()
    ranked = Counter(counted).most_common()
    own, others = ranked[:MOST_NAMES], ranked[MOST_NAMES:]
    groups = [(_text(endings.names, index, NO_NAME), [index]) for index, _ in own]
    if others:
        groups.append((OTHER_NAMES, [index for index, _ in others]))
    return tuple(_outcomes(endings, text, indices, good, failed) for text, indices in groups)


def _outcomes(
    endings: Endings, name: str, indices: Sequence[int], good: Flags, failed: Flags
) -> RequestOutcomes:
    of_name = np.isin(endings.name, indices)
    right, wrong = of_name & good, of_name & failed
    kinds = zip(endings.outcome[wrong].tolist(), endings.status[wrong].tolist(), strict=True)
    p50_ms, p99_ms = _percentiles_ms(endings.duration_us[right])
    return RequestOutcomes(
        name=name,
        completed=int(np.count_nonzero(right)),
        failed=int(np.count_nonzero(wrong)),
        statuses=dict(sorted(Counter(endings.status[right].tolist()).items())),
        kinds=dict(Counter(kind_of(endings.outcomes[o], status) for o, status in kinds)),
        failed_by=dict(
            sorted(
                Counter(
                    _text(endings.replicas, index, "nobody")
                    for index in endings.replica[wrong].tolist()
                ).items()
            )
        ),
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        body_bytes=(
            int(endings.body_bytes[right].sum())
            if endings.body_bytes is not None and right.any()
            else None
        ),
        slowest_ms=float(endings.waited_us[right].max()) / 1000 if right.any() else None,
        late_ms=_late_ms(endings, wrong, right),
    )


def _late_ms(endings: Endings, wrong: Flags, right: Flags) -> dict[str, float]:
    """Return the shortest time of each kind of failure that a limit of time may explain."""
    found = {}
    for index in np.unique(endings.outcome[wrong]).tolist():
        kind = endings.outcomes[index]
        rows = wrong & (endings.outcome == index) & (endings.status < FIRST_ERROR_STATUS)
        ms = late.late_ms(
            kind, endings.status[rows], endings.waited_us[rows], endings.status[right]
        )
        if ms is not None:
            found[kind] = ms
    return found


def _percentiles_ms(durations_us: Integers) -> tuple[float | None, float | None]:
    """Return the median and the 99th percentile, each a value that occurred; None for no value."""
    if not durations_us.size:
        return None, None
    p50, p99 = np.percentile(durations_us, [50, 99], method="inverted_cdf").tolist()
    return p50 / 1000, p99 / 1000


def kind_of(outcome: str, status: int) -> str:
    """Return the kind of a failure: ``status 500``, or the generator's name for it.

    A load that rejects an answer with a bad status by itself says no more than the status does.
    """
    has_status = outcome == "status" or (outcome == REJECTED_KIND and status >= FIRST_ERROR_STATUS)
    return f"status {status}" if has_status else outcome


def _text(table: Sequence[str], index: int, unknown: str) -> str:
    return table[index] if 0 <= index < len(table) else unknown


def examples_of(raw: RawTrial) -> tuple[AnswerExample, ...]:
    """Return the generator's examples of answers, with replicas by their names in the run."""
    return tuple(
        AnswerExample(
            name=example.name,
            outcome=example.outcome,
            status=example.status,
            replica=raw.addresses.get(example.replica or "", example.replica),
            body_start=example.body_start,
            location=example.location,
        )
        for example in raw.finished.examples[:MOST_EXAMPLES]
    )


def series_of(plan: Plan, trials: Sequence[Trial]) -> tuple[Series, ...]:
    """Return the windows of each worker model, workload and request name.

    A series whose trials do not count by name, as in journals of older versions, is left out.
    """
    found: list[Series] = []
    for workload in plan.workloads:
        for worker in plan.workers:
            own = [
                trial
                for trial in trials
                if (trial.spec.cell.worker, trial.spec.cell.workload)
                == (worker.name, workload.name)
            ]
            if own and all(trial.requests for trial in own if trial.completed or trial.failed):
                has_limit = workload.locustfile is not None  # only code can set one
                found += _series(worker.name, workload.name, own, has_limit=has_limit)
    return tuple(found)


def _series(
    worker: str, workload: str, trials: Sequence[Trial], *, has_limit: bool
) -> Iterable[Series]:
    names = dict.fromkeys(request.name for trial in trials for request in trial.requests)
    groups: list[str | None] = [None, *(names if len(names) > 1 else ())]
    usual = _usual_shares(trials)
    requests = [request for trial in trials for request in trial.requests]
    limits = late.limits(requests if has_limit else ())
    for name in groups:
        windows: dict[int, tuple[Window, ...]] = {}
        for trial in sorted(trials, key=lambda trial: (trial.spec.cell.replicas, trial.spec.round)):
            count = trial.spec.cell.replicas
            windows[count] = (*windows.get(count, ()), _window(trial, name, usual, limits))
        own = [ms for of, found in limits.items() if name in {None, of} for ms in found.values()]
        limit_ms = min(own, default=None)
        yield Series(
            worker=worker, workload=workload, name=name, windows=windows, limit_ms=limit_ms
        )


def _usual_shares(trials: Sequence[Trial]) -> dict[str, dict[int, float]]:
    """Return each good status's share of the good answers of a name with the fewest replicas."""
    fewest = min(trial.spec.cell.replicas for trial in trials)
    statuses: dict[str, Counter[int]] = {}
    for trial in trials:
        if trial.spec.cell.replicas == fewest:
            for request in trial.requests:
                statuses.setdefault(request.name, Counter()).update(request.statuses)
    return {
        name: {status: count / found.total() for status, count in found.items()}
        for name, found in statuses.items()
        if found.total()
    }


def _window(
    trial: Trial,
    name: str | None,
    usual: Mapping[str, Mapping[int, float]],
    limits: Mapping[str, Mapping[str, float]],
) -> Window:
    requests = [request for request in trial.requests if name in {None, request.name}]
    return Window(
        failed=sum(request.failed for request in requests),
        total=sum(request.failed + request.completed for request in requests),
        kinds=added(
            late.renamed(request.kinds, limits.get(request.name, ())) for request in requests
        ),
        failed_by=added(request.failed_by for request in requests),
        unlike=added(_unlike(request, usual.get(request.name, {})) for request in requests),
    )


def with_unlike(series: Series) -> Series | None:
    """Return the series with its unlike answers as failures; None where it has none.

    A redirect to a login, in the place of a page, is a good answer and costs next to nothing.
    """
    if not any(window.unlike for windows in series.windows.values() for window in windows):
        return None
    return replace(
        series,
        windows={
            count: tuple(
                replace(
                    window,
                    failed=window.failed + sum(window.unlike.values()),
                    kinds=added((window.kinds, window.unlike)),
                    unlike={},
                )
                for window in windows
            )
            for count, windows in series.windows.items()
        },
    )


def _unlike(request: RequestOutcomes, usual: Mapping[int, float]) -> dict[str, int]:
    """Return how many good answers are beyond what is usual, by their kind.

    ``usual`` has the share of each status. Of a class, those statuses count first that exceed their
    own share most.
    """
    if not usual:
        return {}
    total = sum(request.statuses.values())
    unlike: dict[str, int] = {}
    for one in dict.fromkeys(map(_class_of, request.statuses)):
        own = {s: count for s, count in request.statuses.items() if _class_of(s) == one}
        share = sum(part for status, part in usual.items() if _class_of(status) == one)
        if one == PAGES and share:
            continue
        left = sum(own.values()) - math.ceil(TIMES * share * total)
        for status in sorted(own, key=lambda s: usual.get(s, 0.0) * total - own[s]):
            if left > 0:
                unlike[kind_of("status", status)] = min(left, own[status])
                left -= own[status]
    return unlike


def _class_of(status: int) -> int:
    """Return the class of a status; 304 is the page that the client has already."""
    return PAGES if status == NOT_MODIFIED else status // CLASS


def added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sums of counts, the largest first."""
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total.most_common())


def all_kinds(counts: Iterable[FailureCount]) -> dict[str, int]:
    """Return the kinds of all failures at several numbers of replicas, the commonest first."""
    return added(count.kinds for count in counts)
