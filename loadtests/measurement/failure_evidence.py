"""Finds the lines of replicas' logs that explain failed requests, between trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from loadtests.analysis.failures.counting import added
from loadtests.analysis.remedies import telling_line
from loadtests.model.failures import AnswerExample
from loadtests.model.plan import Cell
from loadtests.model.trial import Trial

MOST_LOOKS = 3
"""Trials of a cell after which logs are read; reading one takes some 10 ms."""

LINE_CHARS = 300

LogOf = Callable[[str], str]
"""Returns the end of a member's log."""


class FailureEvidence:
    """Adds to trials with failures what the logs say of them."""

    def __init__(self, log_of: LogOf) -> None:
        self._log_of = log_of
        self._looks: Counter[Cell] = Counter()

    def explained(self, trial: Trial) -> Trial:
        """Return the trial with the line of a log that explains its failures, if one does."""
        failed_by = added(request.failed_by for request in trial.requests)
        replicas = [name for name in failed_by if name in trial.answers]
        if not trial.failed or not replicas or self._looks[trial.spec.cell] >= MOST_LOOKS:
            return trial
        self._looks[trial.spec.cell] += 1
        replica = replicas[0]
        line = telling_line(self._log_of(replica).splitlines())
        if line is None:
            return trial
        return replace(trial, examples=_with_line(trial, replica, line[:LINE_CHARS]))


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
