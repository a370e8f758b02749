"""What a person sees while a run goes on: on a terminal a live table, elsewhere plain lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from loadtests.analysis import estimates
from loadtests.measurement.progress import Progress
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Estimate
from loadtests.model.trial import Trial
from loadtests.tools import proc

BLOCKS = "▁▂▃▄▅▆▇█"

SPARK_WIDTH = 24
"""So many trials of a cell are drawn, the last ones: beside its figures they fit 80 columns."""

SPARK_LEAST_RATIO = 0.05


@contextmanager
def open_progress() -> Iterator[Progress]:
    """Show the progress of a run or a gate on standard error, until the end of the block."""
    console = Console(stderr=True)
    progress: Progress = LiveProgress(console) if console.is_terminal else PlainProgress(sys.stderr)
    try:
        yield progress
    finally:
        progress.close()


class PlainProgress:
    """One line a phase and one a round, for logs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._started_s = proc.monotonic_s()
        self._plan: Plan | None = None

    def say(self, line: str) -> None:
        """Write a line with the seconds since the start."""
        elapsed = proc.monotonic_s() - self._started_s
        with suppress(OSError):  # nobody listens any more; that must not keep a stack up
            print(f"[{elapsed:5.0f} s] {line}", file=self._stream, flush=True)

    def planned(self, plan: Plan) -> None:
        """Write how much there is to do."""
        self._plan = plan
        self.say(headline(plan))

    def measured(self, trials: Sequence[Trial]) -> None:
        """Write a line at the end of each round."""
        if self._plan is None:
            return
        if len(trials) % len(self._plan.cells) == 0:
            self.say(f"{position(self._plan, trials)}. {precision_so_far(self._plan, trials)}")

    def close(self) -> None:
        """Nothing is open."""


class LiveProgress:
    """A table of the cells that fills while trials come in."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started_s = proc.monotonic_s()
        self._plan: Plan | None = None
        self._trials: Sequence[Trial] = ()
        self._phase = ""
        # Drawn when there is something new, by nobody meanwhile: windows are being measured.
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def say(self, line: str) -> None:
        """Show a line as the phase."""
        self._phase = line
        self._show()

    def planned(self, plan: Plan) -> None:
        """Write how much there is to do, and start the table."""
        self._plan = plan
        self._console.print(headline(plan))
        self._show()

    def measured(self, trials: Sequence[Trial]) -> None:
        """Show the estimates so far."""
        self._trials = trials
        if self._plan is not None:
            self._phase = position(self._plan, trials)
        self._show()

    def close(self) -> None:
        """Take the table away; what was found is told in another place."""
        self._live.stop()

    def _show(self) -> None:
        elapsed = proc.monotonic_s() - self._started_s
        parts: list[RenderableType] = []
        if self._plan is not None and self._trials:
            parts.append(table(self._plan, self._trials))
        parts.append(Text(f"{elapsed:4.0f} s  {self._phase}", style="bold"))
        self._live.update(Group(*parts), refresh=True)


def headline(plan: Plan) -> str:
    """Say what a plan will do, in one line."""
    low, high = plan.expected_s / 60, plan.expected_max_s / 60
    duration = f"{low:.1f} min" if high - low < 0.5 else f"{low:.0f} to {high:.0f} min"
    rounds = f"{plan.rounds_max} rounds"
    if plan.rounds_min < plan.rounds_max:
        rounds = f"{plan.rounds_min} to {rounds} (until ±{plan.precision_ratio:.1%})"
    return f"{len(plan.cells)} cells, {rounds}, {duration}; seed {plan.seed}"


def position(plan: Plan, trials: Sequence[Trial]) -> str:
    """Say how far it is: the round, the trial of about how many, and the time left at most."""
    done = len(trials)
    most = plan.rounds_max * len(plan.cells)
    trial_s = sum(trial.wall_s for trial in trials) / done
    left_s = (most - done) * trial_s
    return (
        f"Round {trials[-1].spec.round}, trial {done} of at most {most};"
        f" at most {left_s / 60:.1f} min left"
    )


def precision_so_far(plan: Plan, trials: Sequence[Trial]) -> str:
    """Say each doubling's factor so far."""
    return ", ".join(
        f"{doubling} {_factor(doubling.factor)}" for doubling in estimates.doublings(plan, trials)
    )


def table(plan: Plan, trials: Sequence[Trial]) -> Table:
    """Draw the cells with their estimates so far, and a spark of their trials."""
    drawn = Table("cell", "rps", "interval", "trials", box=None, pad_edge=False)
    for result in estimates.cells(plan, trials):
        throughput = result.throughput_rps
        shown = "" if throughput.estimate is None else f"{throughput.estimate:.0f}"
        drawn.add_row(
            str(result.cell), shown, _interval(throughput), spark(_values(result.cell, trials))
        )
    return drawn


def spark(values: Sequence[float]) -> str:
    """Draw the last values as a row of blocks, from the lowest to the highest.

    The blocks reach at least 5 % up and down, so that small noise looks small.
    """
    shown = values[-SPARK_WIDTH:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    middle = (low + high) / 2
    reach = max((high - low) / 2, SPARK_LEAST_RATIO * middle) or 1.0
    steps = len(BLOCKS) - 0.01
    return "".join(BLOCKS[int((value - middle + reach) / (2 * reach) * steps)] for value in shown)


def _values(cell: Cell, trials: Sequence[Trial]) -> list[float]:
    return [trial.throughput_rps for trial in trials if trial.spec.cell == cell]


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{estimate.low:.0f}–{estimate.high:.0f}"


def _factor(estimate: Estimate) -> str:
    if estimate.estimate is None:
        return "?"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.estimate:.2f}"
    return f"{estimate.estimate:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"
