"""Shows the progress of a run: a live table on a terminal, plain lines elsewhere."""

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
from loadtests.analysis.rounds import unfinished
from loadtests.cli import output
from loadtests.measurement.progress import Progress
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Estimate
from loadtests.model.trial import Trial
from loadtests.tools import proc

BLOCKS = "▁▂▃▄▅▆▇█"

SPARK_WIDTH = 24
"""Number of a cell's last trials in its spark line, so that the table fits 80 columns."""

SPARK_LEAST_RATIO = 0.05


@contextmanager
def open_progress() -> Iterator[Progress]:
    """Show the progress of a run or a gate on standard error, until the end of the block."""
    console = output.console(stderr=True)
    progress: Progress = LiveProgress(console) if _is_live(console) else PlainProgress(sys.stderr)
    try:
        yield progress
    finally:
        progress.close()


def _is_live(console: Console) -> bool:
    """Return whether a console is a terminal; Rich takes FORCE_COLOR for one, also in a log."""
    with suppress(ValueError):  # somebody has closed it
        return console.is_terminal and sys.stderr.isatty()
    return False


class PlainProgress:
    """One line per phase and one per round, for logs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._started_s = proc.monotonic_s()
        self._plan: Plan | None = None

    def say(self, line: str) -> None:
        """Write a line with the seconds since the start."""
        elapsed = proc.monotonic_s() - self._started_s
        with suppress(OSError):  # a closed stream must not prevent taking the stack down
            print(f"[{elapsed:5.0f} s] {line}", file=self._stream, flush=True)

    def planned(self, plan: Plan) -> None:
        """Write the plan's size and duration."""
        self._plan = plan
        self.say(headline(plan))

    def measured(self, trials: Sequence[Trial]) -> None:
        """Write a line at the end of each round."""
        if self._plan is None:
            return
        if ends_a_round(self._plan, trials):
            self.say(f"{position(self._plan, trials)}. {precision_so_far(self._plan, trials)}")

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


class LiveProgress:
    """A table of the cells, updated after each trial."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started_s = proc.monotonic_s()
        self._plan: Plan | None = None
        self._trials: Sequence[Trial] = ()
        self._phase = ""
        # No refresh thread: drawing would use CPU while windows are measured.
        self._live = Live(console=console, auto_refresh=False, transient=True)
        with suppress(OSError):  # a terminal that has gone must not prevent taking the stack down
            self._live.start()

    def say(self, line: str) -> None:
        """Show a line as the current phase."""
        self._phase = line
        self._show()

    def planned(self, plan: Plan) -> None:
        """Write the plan's size and duration, and start the table."""
        self._plan = plan
        with suppress(OSError):
            self._console.print(headline(plan))
        self._show()

    def measured(self, trials: Sequence[Trial]) -> None:
        """Show the estimates so far."""
        self._trials = trials
        if self._plan is not None:
            self._phase = position(self._plan, trials)
        self._show()

    def close(self) -> None:
        """Remove the table; the summary is printed elsewhere."""
        with suppress(OSError):
            self._live.stop()

    def _show(self) -> None:
        elapsed = proc.monotonic_s() - self._started_s
        parts: list[RenderableType] = []
        if self._plan is not None and self._trials:
            parts.append(table(self._plan, self._trials))
        parts.append(Text(f"{elapsed:4.0f} s  {self._phase}", style="bold"))
        with suppress(OSError):
            self._live.update(Group(*parts), refresh=True)


def headline(plan: Plan) -> str:
    """Return one line about a plan's size and duration."""
    low, high = plan.expected_s / 60, plan.expected_max_s / 60
    duration = f"{low:.1f} min" if high - low < 0.5 else f"{low:.0f} to {high:.0f} min"
    rounds = f"{plan.rounds_max} rounds"
    if plan.rounds_min < plan.rounds_max:
        rounds = f"{plan.rounds_min} to {rounds} (until ±{plan.precision_ratio:.1%})"
    return f"{len(plan.cells)} cells, {rounds}, {duration}; seed {plan.seed}"


def position(plan: Plan, trials: Sequence[Trial]) -> str:
    """Return the progress: the round, the trial, and the maximum remaining time."""
    done = len(trials)
    planned = plan.rounds_max * len(plan.cells)
    last = trials[-1]
    # What passes between trials counts, too: a deployment that is scaled may take minutes.
    passed_s = last.started_at_s + last.wall_s - trials[0].started_at_s
    trial_s = max(sum(trial.wall_s for trial in trials), passed_s) / done
    left_s = (planned - done) * trial_s
    return (
        f"Round {last.spec.round}, trial {done} of at most {planned};"
        f" at most {left_s / 60:.1f} min left"
    )


def ends_a_round(plan: Plan, trials: Sequence[Trial]) -> bool:
    """Return whether the last trial is its round's last: precise cells are left out of rounds."""
    last = trials[-1].spec.round
    wanted = unfinished(plan, [trial for trial in trials if trial.spec.round < last])
    return set(wanted) <= {trial.spec.cell for trial in trials if trial.spec.round == last}


def precision_so_far(plan: Plan, trials: Sequence[Trial]) -> str:
    """Return the present factor of each doubling, as text."""
    doublings = estimates.doublings(plan, trials)
    return ", ".join(f"{doubling} {_factor(doubling.factor)}" for doubling in doublings)


def table(plan: Plan, trials: Sequence[Trial]) -> Table:
    """Return a table of the cells, their present estimates and spark lines."""
    drawn = Table("cell", "rps", "interval", "trials", box=None, pad_edge=False)
    for result in estimates.cells(plan, trials):
        throughput = result.throughput_rps
        shown = "" if throughput.estimate is None else f"{throughput.estimate:.0f}"
        drawn.add_row(
            str(result.cell), shown, _interval(throughput), spark(_values(result.cell, trials))
        )
    return drawn


def spark(values: Sequence[float]) -> str:
    """Return the last values as a spark line of block characters.

    Its range is at least ±5 %, so that small noise looks small.
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
