"""Finds what explains failures, between trials: the lines of logs, and fewer replicas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from loadtests.analysis.failures.causes import is_of_the_proxy
from loadtests.analysis.failures.counting import added
from loadtests.analysis.failures.kinds import CLOSED_KINDS
from loadtests.analysis.remedies import PAGE, PROXY_CONNECTIONS, telling_line
from loadtests.model.errors import ListTooShort, UnusableLoad
from loadtests.model.failures import AnswerExample
from loadtests.model.plan import Cell, TrialSpec
from loadtests.model.stack import LogLines
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import Role

MOST_LOOKS = 3
"""Trials of a cell after which logs are read. The end of one takes some 10 ms, and all lines of a
proxy's take some 100 ms."""

LINE_CHARS = 300

PROXY_FAILURE_STATUS = 500

LogOf = Callable[[str], str]
"""Returns the end of a member's log."""

LinesOf = Callable[[str], LogLines]
"""Returns all lines of a member's log, or as many as can be read."""


@contextmanager
def compared_with_fewer(spec: TrialSpec, trials: Sequence[Trial]) -> Iterator[None]:
    """Say that users started with fewer replicas, where they do not in this trial.

    Raises the same :class:`UnusableLoad` with more words: a start is no request of a window, so no
    test tells it from chance.
    """
    try:
        yield
    except ListTooShort:  # it says why by itself
        raise
    except UnusableLoad as error:
        cell = spec.cell
        started = [
            trial.spec.cell.replicas
            for trial in trials
            if replace(trial.spec.cell, replicas=cell.replicas) == cell
        ]
        if not started or min(started) >= cell.replicas:
            raise
        raise UnusableLoad(
            f"With {cell.replicas} replicas: {error} With {min(started)} they began. Perhaps what"
            f" one server gave them in their start is not known to the others: see {PAGE}."
        ) from error


class FailureEvidence:
    """Adds to trials with failures what the logs say of them."""

    def __init__(self, log_of: LogOf, lines_of: LinesOf) -> None:
        self._log_of, self._lines_of = log_of, lines_of
        self._looks: Counter[Cell] = Counter()

    def explained(self, trial: Trial) -> Trial:
        """Return the trial with the line of a log that explains its failures, if one does."""
        failed_by = added(request.failed_by for request in trial.requests)
        replicas = [name for name in failed_by if name in trial.answers]
        by_proxy = any(map(_is_nobodys, trial.examples))
        wanted = trial.failed and (replicas or by_proxy)
        if not wanted or self._looks[trial.spec.cell] >= MOST_LOOKS:
            return trial
        self._looks[trial.spec.cell] += 1
        if by_proxy:
            trial = self._explained_by_proxy(trial)
        return self._explained_by(replicas[0], trial) if replicas else trial

    def _explained_by_proxy(self, trial: Trial) -> Trial:
        """Return the trial with the line that says that the proxy had too few connections.

        Access lines may follow it by the thousand. One from before the window tells of another
        trial.
        """
        lines = self._lines_of(Role.PROXY).lines
        matching = [line for line in lines if PROXY_CONNECTIONS.words.search(line)]
        told = [line for line in matching if _is_since(line, trial.started_at_s)]
        if not told:
            return trial
        line = told[-1].strip()[:LINE_CHARS]
        return replace(
            trial,
            examples=tuple(
                replace(one, log_line=line) if _is_nobodys(one) else one for one in trial.examples
            ),
        )

    def _explained_by(self, replica: str, trial: Trial) -> Trial:
        line = telling_line(self._log_of(replica).splitlines())
        if line is None:
            return trial
        return replace(trial, examples=_with_line(trial, replica, line[:LINE_CHARS]))


def _is_since(line: str, began_s: float) -> bool:
    """Return whether a line is from then or later, by the engine's time; True without a time."""
    try:
        at = datetime.fromisoformat(line.split(maxsplit=1)[0])
    except ValueError:
        return True
    return at.tzinfo is None or at.timestamp() >= began_s


def _is_nobodys(example: AnswerExample) -> bool:
    """Return whether a failure is a closed connection, or a page of the proxy's own."""
    if example.outcome in CLOSED_KINDS:
        return True
    return example.status == PROXY_FAILURE_STATUS and is_of_the_proxy(example)


def _with_line(trial: Trial, replica: str, line: str) -> tuple[AnswerExample, ...]:
    own = [one for one in trial.examples if one.replica == replica and one.outcome != "ok"]
    if own:
        return tuple(replace(one, log_line=line) if one in own else one for one in trial.examples)
    worst = max(trial.requests, key=lambda request: request.failed_by.get(replica, 0))
    kind = next(iter(worst.kinds))
    status = int(kind.removeprefix("status ")) if kind.startswith("status ") else None
    example = AnswerExample(
        name=worst.name,
        outcome="status" if status is not None else kind,
        status=status,
        replica=replica,
        log_line=line,
    )
    return (*trial.examples, example)
