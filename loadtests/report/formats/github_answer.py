"""Writes a run's answer as a GitHub annotation. PURE.

It is apart from those of failures, which every command may need: texts of results import NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping

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


def render(result: RunResult) -> str:
    """Return the annotation of a run's answer."""
    title = f"{NAMES['run']}: {story.VERDICTS[result.verdict]}"
    return annotation(LEVELS[result.verdict], title, shortened(story.answer(result)))
