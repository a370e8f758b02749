"""Writes the answer of a run, or of ``run --until``, as a GitHub annotation. PURE.

It is apart from those of failures, which every command may need: texts of results import NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping

from loadtests.analysis import until
from loadtests.analysis.until import HowFar
from loadtests.model.errors import EXIT_CANNOT_TELL, EXIT_NO, EXIT_YES
from loadtests.model.result import RunResult
from loadtests.model.vocabulary import Verdict
from loadtests.report.formats.github import NAMES, annotation, shortened
from loadtests.report.text import story

LEVELS: Mapping[Verdict, str] = {
    Verdict.SCALES: "notice",
    Verdict.FALLS_SHORT: "error",
    Verdict.NO_GAIN: "error",
    Verdict.BREAKS: "error",
    Verdict.INCONCLUSIVE: "warning",
    Verdict.INVALID: "warning",
}

LEVELS_OF_A_SEARCH: Mapping[int, str] = {
    EXIT_YES: "notice",
    EXIT_NO: "error",
    EXIT_CANNOT_TELL: "warning",
}
"""By the exit code: the verdict of its last doubling is often that one too many does not scale."""


def render(result: RunResult) -> str:
    """Return the annotation of a run's answer."""
    title = f"{NAMES['run']}: {story.VERDICTS[result.verdict]}"
    return annotation(LEVELS[result.verdict], title, shortened(story.answer(result)))


def render_how_far(answer: HowFar) -> str:
    """Return the annotation of the answer of ``run --until``."""
    level = LEVELS_OF_A_SEARCH[until.exit_code(answer)]
    return annotation(level, f"{NAMES['run']}: how far it scales", shortened(answer.sentence))
