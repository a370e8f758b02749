"""Finds how many users saturate one start of base."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from loadtests.analysis.bottleneck import FULL_THROTTLED_RATIO
from loadtests.gate.analysis import figures
from loadtests.gate.measurement.generator_pool import ALONE, TIMEOUT_S, GeneratorPool
from loadtests.gate.model.evidence import Figures, WorkerLoad
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.plan import OPEN_RATIO
from loadtests.measurement import user_calibration
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.generator_records import Load, LoadDone
from loadtests.model.stack import Replica
from loadtests.model.trial import CalibrationStep


class Calibrator:
    """Loads one start, which nothing else uses meanwhile."""

    def __init__(
        self, plan: GatePlan, worker: str, generators: GeneratorPool, start: Replica
    ) -> None:
        self._plan = plan
        self._worker = worker
        self._generators = generators
        self._start = start
        self._full = False

    def load(self, slots: int | None, *, step: int) -> WorkerLoad:
        """Return the users, a multiple of ``step``, and the open loop's first rate.

        Raises :class:`EnvironmentFailure` if no request succeeds.
        """
        fills_slots = slots is not None and not self._generators.may_pause
        steps = user_calibration.double_users(
            user_calibration.first_users(slots, step=step),
            self._step,
            again=user_calibration.believe if fills_slots else self._again,
        )
        rates = [step.throughput_rps for step in steps]
        best = max(rates)
        if not best:
            raise EnvironmentFailure("No request to base succeeded. Its log is in logs/.")
        gains = [after / before - 1 for before, after in pairwise(rates) if before]
        return WorkerLoad(
            worker=self._worker,
            users=steps[-1].users,
            rate_rps=round(OPEN_RATIO * best, 1),
            gain_ratio=round(gains[-1], 4) if gains else None,
        )

    def _again(
        self, before: CalibrationStep, last: CalibrationStep
    ) -> tuple[CalibrationStep, CalibrationStep]:
        """Measure two steps once more where they may gain nothing by chance."""
        return user_calibration.once_more(before, last, self._step, is_full=self._full)

    def _step(self, users: int, window_s: float = user_calibration.WINDOW_S) -> CalibrationStep:
        timing = self._plan.timing
        load = Load(
            id=f"calibrate-{users}",
            base_url=f"http://{self._start.address}",
            path=self._plan.path,
            users=users,
            settle_s=timing.settle_s,
            window_s=window_s,
            drain_limit_s=timing.drain_limit_s,
            timeout_s=TIMEOUT_S,
        )
        found, done = self._measured(load)
        if found.completed + found.failed < users:  # slow requests hold all slots
            longest_s = max(window_s, user_calibration.MOST_S)
            load = replace(load, settle_s=longest_s, window_s=longest_s)
            found, done = self._measured(load)
        self._full = (found.throttled_ratio or 0.0) >= FULL_THROTTLED_RATIO
        return CalibrationStep(
            worker=self._worker,
            workload=self._plan.workload,
            users=users,
            throughput_rps=found.throughput_rps,
            mean_ms=None,
            lost_workers=done.finished.lost_workers,
            completed=found.completed,
            dispersion=figures.dispersion(done),
        )

    def _measured(self, load: Load) -> tuple[Figures, LoadDone]:
        """Put a load on the start; return its figures, and what the generator saw."""
        (done,), opened, closed = self._generators.open([(ALONE, load)])
        found = figures.figures(done, opened, closed, (self._start.name,))
        return found, done
