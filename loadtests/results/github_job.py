"""Tells a job of GitHub what was found: in its log, and in the summary on its page."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from loadtests.model.safe_text import one_line

SUMMARY = "GITHUB_STEP_SUMMARY"
"""GitHub sets it to the file of the summary, in Markdown."""


def tell(annotations: Callable[[], str], report: Callable[[], str]) -> str:
    """Append a report to the job's summary, and return what goes to the log; empty elsewhere.

    A summary that cannot be written is told there: it takes no answer away.
    """
    told = annotations() if os.environ.get("GITHUB_ACTIONS") else ""
    summary = os.environ.get(SUMMARY)
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(report() + "\n")
        except OSError as error:
            told += (
                f"twofold: The job summary {one_line(summary)} ({SUMMARY}) cannot be written"
                f" ({error.strerror}). The report is in the folder of the results.\n"
            )
    return told
