"""Finds how many users keep one replica full, by doubling them until throughput stops rising.

The least number that saturates a replica is too small for several of them. Behind a round robin,
users wander, so a replica is without a request for moments, and each wake-up then serves one
request instead of several. CPU per request grows with the replicas, though the system scales. So a
replica also gets a short queue: see ``with_queue``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product

from loadtests.analysis import bottleneck
from loadtests.analysis.rules.load import GAIN_LIMIT_RATIO, is_saturated
from loadtests.analysis.shared import user_gain
from loadtests.model.errors import UnusableLoad
from loadtests.model.plan import MOST_USERS, Cell, Plan, Timing, TrialSpec, Upstream
from loadtests.model.trial import Calibration, CalibrationStep, Trial
from loadtests.planning import trial_timing

QUEUE_RATIO = 4
"""Users for each user that saturates a replica (measured: docs/measurements.md)."""

QUEUE_WINDOW_RATIO = 0.2
"""The longest answer by that queue, as a share of a window. Answers that take as long as the window
make its count coarse, and the replicas' shares with it."""

MOST_QUEUED = 64
MOST_QUEUED_WITHOUT_SLOTS = 16
"""The most users that a queue brings to a replica. Some servers accept about 100 connections.
Without slots (gevent) users do not queue: each is one more request inside the application, with
one more connection to the store."""

SETTLE_S = 0.4
WINDOW_S = 1.0
"""Ten CPU periods: enough to see a gain of a few per cent under a CPU budget."""

ANSWERS = 2
MOST_S = 4.0
"""Warm-up and window of a step are at least this many expected answers, but no longer than this.
Shorter ones see only the fast requests of a mix: the slow ones fill the slots later. A step in
which fewer requests end than it has users is measured again with the longest."""

LONG_ANSWER_S = 2.0
LONG_RATIO = 4.0
"""A replica is full when an answer takes this long, and this many times as long as alone. Without
slots, the second is enough where the CPU is full: a gain may be a core that becomes faster."""

LONGEST_S = 60.0
"""The longest window of two steps that may gain nothing by chance; see ``user_gain``."""

DRAIN_LIMIT_S = 15.0

Measure = Callable[[TrialSpec, int, Timing], Trial]
"""Measures a cell with a number of users, and returns the trial."""

Again = Callable[[CalibrationStep, CalibrationStep], tuple[CalibrationStep, CalibrationStep]]
"""Takes a step and the next one, which gains nothing, and returns both, perhaps measured anew."""


class TooSlow(UnusableLoad):
    """One user alone got no answer in the longest window of a step."""


def calibrate_all(
    plan: Plan, measure: Measure, *, user_steps: Mapping[str, int], say: Callable[[str], None]
) -> tuple[dict[tuple[str, str], Calibration], tuple[str, ...]]:
    """Return the calibrations by worker model and workload, and notes on those that are too slow.

    A pair without an answer gets as few users as can be, and no verdict. So what it asks has ended
    when the others are measured.
    Raises :class:`TooSlow` if no pair has an answer. ``user_steps`` has the number of which a
    workload's users are a multiple, where it is not 1.
    """
    calibrations: dict[tuple[str, str], Calibration] = {}
    slow: dict[tuple[str, str], TooSlow] = {}
    for workload, worker in product(plan.workloads, plan.workers):
        say(f"Calibrating users for one {worker.name} replica ({workload.name})")
        key, step = (worker.name, workload.name), user_steps.get(workload.name, 1)
        try:
            calibrations[key] = calibrate(plan, *key, measure, step=step)
        except TooSlow as error:
            slow[key] = error
            calibrations[key] = _unanswered(*key, step)
    if len(slow) == len(calibrations):
        raise next(iter(slow.values()))
    return calibrations, tuple(
        f"{error} {worker} on {workload} has no verdict in this run."
        for (worker, workload), error in slow.items()
    )


def _unanswered(worker: str, workload: str, users: int) -> Calibration:
    """Return the calibration of a pair without an answer."""
    step = CalibrationStep(
        worker=worker, workload=workload, users=users, throughput_rps=0.0, mean_ms=None, completed=0
    )
    return Calibration(
        worker=worker, workload=workload, users_per_replica=users, service_ms=None, steps=(step,)
    )


def first_users(slots: int | None, *, step: int = 1) -> int:
    """Return the users of the first step, a multiple of ``step``: one per slot, at least two."""
    return -(-max(2, slots or 1) // step) * step


def believe(
    before: CalibrationStep, last: CalibrationStep
) -> tuple[CalibrationStep, CalibrationStep]:
    """Return two steps as they are."""
    return before, last


def double_users(
    users: int,
    measure: Callable[[int], CalibrationStep],
    *,
    before: CalibrationStep | None = None,
    longest_s: Callable[[CalibrationStep], float] = lambda _: math.inf,
    again: Again = believe,
) -> tuple[CalibrationStep, ...]:
    """Double the users until throughput gains less than 5 %, and return all steps, at least one.

    The first step is compared with ``before``, if it is given. ``again`` measures two steps once
    more where that they gain nothing may be chance. A step whose answers take ``longest_s`` is the
    last, too: with few answers in a window, a gain may be chance for ever.
    """
    steps: list[CalibrationStep] = []
    while not steps or users <= MOST_USERS:
        step = measure(users)
        if before and not _gains(before, step):
            before, step = again(before, step)
            if steps:
                steps[-1] = before
        steps.append(step)
        if before and not _gains(before, step):
            break
        if step.throughput_rps and users / step.throughput_rps >= longest_s(step):
            break
        before = step
        users *= 2
    return tuple(steps)


def _gains(before: CalibrationStep, step: CalibrationStep) -> bool:
    """Return whether a step gains; two without any answer do not."""
    return step.throughput_rps > before.throughput_rps * (1 + GAIN_LIMIT_RATIO)


def once_more(
    before: CalibrationStep,
    last: CalibrationStep,
    measure: Callable[[int, float], CalibrationStep],
    *,
    is_full: bool,
) -> tuple[CalibrationStep, CalibrationStep]:
    """Measure two steps once more, longer, where they may gain nothing by chance.

    Where something is full in the last one (``is_full``), more users gain nothing for certain.
    ``measure`` takes users and the seconds of a window.
    """
    if is_full or not last.throughput_rps or user_gain.is_sure(before, last):
        return before, last
    window_s = min(LONGEST_S, user_gain.enough_answers(before, last) / last.throughput_rps)
    return measure(before.users, window_s), measure(last.users, window_s)


def calibrate(
    plan: Plan, worker: str, workload: str, measure: Measure, *, step: int = 1
) -> Calibration:
    """Return the users per replica of a worker model and workload, found on its first replica.

    One user alone gives the service time. Then the users double until throughput gains less than
    5 %. The last, larger number leaves no slot idle between two requests of a user, and a short
    queue is added to it. The result is a multiple of ``step``, so that the mix of users is the same
    at any number of replicas.

    Raises :class:`TooSlow` if one user alone gets no answer in the longest window of a step.

    A deployment that is never scaled to one replica is calibrated on its fewest. All figures are
    those of one replica there, too.
    """
    spec = spec_of(alone(plan, worker), workload)
    slots = user_gain.slots_of(plan, spec.cell)
    steps = _Steps(plan, spec, measure)
    single = steps.alone()
    last = double_users(
        first_users(slots, step=step),
        steps.take,
        before=single,
        longest_s=steps.longest_s,
        again=believe if user_gain.filled_slots(plan, spec.cell) is not None else steps.again,
    )[-1]
    window_s = trial_timing.window_s(
        plan.timing.window_s, last.throughput_rps, service_s=(single.mean_ms or 0.0) / 1000
    )
    return Calibration(
        worker=worker,
        workload=workload,
        users_per_replica=with_queue(last, slots, window_s, step=step),
        service_ms=single.mean_ms,
        steps=tuple(steps.tried.values()),
    )


class _Steps:
    """The steps of one calibration, by their users; all figures are those of one replica."""

    def __init__(self, plan: Plan, spec: TrialSpec, measure: Measure) -> None:
        self._plan = plan
        self._spec = spec
        self._measure = measure
        self._full = False
        self._ended = False
        self._cpu_full: dict[int, bool] = {}
        self.tried: dict[int, CalibrationStep] = {}

    def alone(self) -> CalibrationStep:
        """Measure one user alone; raise :class:`TooSlow` if none of its requests ends.

        One that fails has ended, and so has one for which nobody waited any longer. A user of a
        locustfile may just pause for so long.
        """
        step = self.take(1)
        planned_s, cell = self._plan.timing.window_s, self._spec.cell
        if self._ended or user_gain.has_own_users(self._plan, cell):
            return step
        raise TooSlow(
            f"{cell.worker} on {cell.workload}: with one user alone no request ended between"
            f" {MOST_S:g} and {2 * MOST_S:g} s after the start. Windows take"
            f" {trial_timing.MOST_RATIO * planned_s:g} s at most, which is too short for such"
            f" requests. To get a verdict, {trial_timing.remedy(planned_s)}."
        )

    def take(self, users: int) -> CalibrationStep:
        """Measure a step, and once more, longer, if it ended before each user had an answer.

        The step before may have seen the fast requests of a mix only. Here slow ones then hold all
        slots, and a short window sees no answer at all.
        """
        planned = timing(users, next(reversed(self.tried.values()), None))
        trial = self._load(users, planned)
        if trial.completed + trial.failed < trial.users and planned.window_s < MOST_S:
            longest = replace(planned, settle_s=MOST_S, window_s=MOST_S)
            trial = self._load(users, longest)
        return self._keep(users, trial)

    def again(
        self, before: CalibrationStep, last: CalibrationStep
    ) -> tuple[CalibrationStep, CalibrationStep]:
        """Measure the last two steps once more, longer, where they may gain nothing by chance."""
        planned = timing(last.users, last)

        def measure(users: int, window_s: float) -> CalibrationStep:
            return self._keep(users, self._load(users, replace(planned, window_s=window_s)))

        return once_more(before, last, measure, is_full=self._full)

    def longest_s(self, step: CalibrationStep) -> float:
        """Return how long an answer takes at a step after which more users would only wait."""
        longest_s = LONG_RATIO * (self.tried[1].mean_ms or 0.0) / 1000
        may_pause = user_gain.has_own_users(self._plan, self._spec.cell)
        without_slots = user_gain.slots_of(self._plan, self._spec.cell) is None
        if self._cpu_full[step.users] and without_slots and not may_pause:
            return longest_s
        return max(LONG_ANSWER_S, longest_s)

    def _load(self, users: int, planned: Timing) -> Trial:
        """Measure so many users a replica."""
        return self._measure(self._spec, users * self._asked_at_once(users), planned)

    def _asked_at_once(self, users: int) -> int:
        """Return how many replicas answer at once.

        One user alone asks one replica at a time, so what all give together is what one gives.
        """
        return self._spec.cell.replicas if users > 1 else 1

    def _keep(self, users: int, trial: Trial) -> CalibrationStep:
        """Record a step, and whether something is full or ended in it."""
        cell = self._spec.cell
        self._full = is_saturated(self._plan, cell, trial)
        self._ended = trial.completed + trial.failed > 0
        self._cpu_full[users] = bottleneck.replica_cpu_is_full(self._plan, cell, (trial,))
        self.tried[users] = CalibrationStep(
            worker=cell.worker,
            workload=cell.workload,
            users=users,
            throughput_rps=trial.throughput_rps / self._asked_at_once(users),
            mean_ms=trial.latency.mean_ms if trial.latency else None,
            lost_workers=trial.generator.lost_workers,
            completed=trial.completed,
            dispersion=trial.latency.dispersion if trial.latency else 1.0,
        )
        return self.tried[users]


def with_queue(last: CalibrationStep, slots: int | None, window_s: float, *, step: int = 1) -> int:
    """Return the users of a replica that the users of ``last`` saturate, with a short queue.

    Four times as many, as long as the answer takes at most a fifth of a window. By Little's law
    an answer takes users / throughput. ``slots`` is None where nothing limits them.
    """
    most = MOST_QUEUED if slots else MOST_QUEUED_WITHOUT_SLOTS
    fitting = int(last.throughput_rps * window_s * QUEUE_WINDOW_RATIO)
    queued = min(QUEUE_RATIO * last.users, fitting, most) // step * step
    return max(last.users, queued)


def timing(users: int, before: CalibrationStep | None) -> Timing:
    """Return how long a step takes; its answers by the throughput of the step before."""
    answer_s = 0.0
    if before is not None:
        rps = before.throughput_rps
        answer_s = users / rps if rps else MOST_S
    least_s = min(MOST_S, ANSWERS * answer_s)
    return Timing(
        settle_s=max(SETTLE_S, least_s),
        window_s=max(WINDOW_S, least_s),
        drain_limit_s=DRAIN_LIMIT_S,
    )


def alone(plan: Plan, worker: str) -> Upstream:
    """Return the port behind which the fewest replicas of a worker model are.

    It is one replica, unless the deployment is somebody else's and never scaled to one.
    """
    return min(
        (upstream for upstream in plan.upstreams if upstream.worker == worker),
        key=lambda upstream: (len(upstream.members), upstream.members),
    )


def spec_of(upstream: Upstream, workload: str) -> TrialSpec:
    """Return the spec of a trial that is not part of any round."""
    cell = Cell(worker=upstream.worker, workload=workload, replicas=len(upstream.members))
    return TrialSpec(
        id=f"calibrate-{cell.worker}-{cell.workload}",
        round=0,
        position=0,
        cell=cell,
        members=upstream.members,
        port=upstream.port,
    )
