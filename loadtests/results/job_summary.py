"""The summary of a job of GitHub: what is added to it stands on the job's page."""

from __future__ import annotations

import os
from pathlib import Path

from loadtests.model.safe_text import one_line

VARIABLE = "GITHUB_STEP_SUMMARY"
"""GitHub sets it to the file of the summary, in Markdown."""


def add(markdown: str) -> str:
    """Append a report to the summary, if there is one; return what has to be told.

    A summary that cannot be written takes no answer away.
    """
    summary = os.environ.get(VARIABLE)
    if not summary:
        return ""
    try:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(markdown + "\n")
    except OSError as error:
        return (
            f"twofold: The job summary {one_line(summary)} ({VARIABLE}) cannot be written"
            f" ({error.strerror}). The report is in the folder of the results.\n"
        )
    return ""
