"""Which files a run's result is written to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loadtests.model import RunResult, Trial
from loadtests.report import junit, markdown, run_json
from loadtests.store import Store


def write_all(kept: Store, result: RunResult, trials: Sequence[Trial]) -> tuple[Path, ...]:
    """Write ``run.json`` and every report into the run's folder; give their paths."""
    texts = {
        "run.json": run_json.render(result),
        "report.md": markdown.render(result),
        "junit.xml": junit.render(result),
    }
    del trials  # the HTML report draws each of them
    return tuple(kept.write(name, text) for name, text in texts.items())
