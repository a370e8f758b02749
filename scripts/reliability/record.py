"""The record of the campaigns: which cases were tried, and which held."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.model.errors import TwofoldError
from loadtests.tools import files


class Broken(Exception):
    """A promise was broken; the message says how."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One try: ``run`` gets an empty folder, and raises :class:`Broken` if the promise breaks.

    It may return a detail, such as how long something took.
    """

    name: str
    run: Callable[[Path], str | None]


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a case ended."""

    case: str
    held: bool
    detail: str
    seconds: float

    def __str__(self) -> str:
        """Return a line of progress."""
        mark = "held" if self.held else "BROKEN"
        return f"{self.case}: {mark}{f' ({self.detail})' if self.detail else ''}"


def tried(case: Case, folder: Path) -> Result:
    """Run a case in a folder of its own; a failure of the harness to start is a broken case."""
    started_s = time.monotonic()
    own = Path(tempfile.mkdtemp(dir=folder))
    held, detail = True, ""
    try:
        detail = case.run(own) or ""
    except (Broken, TwofoldError, OSError) as error:
        held, detail = False, str(error)
    return Result(
        case=case.name,
        held=held,
        detail=detail,
        seconds=round(time.monotonic() - started_s, 1),
    )


def record(path: Path, campaign: str, results: Sequence[Result]) -> None:
    """Write a campaign's results into the file, in the place of its earlier ones."""
    before: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    campaigns = dict(before.get("campaigns", {}))
    campaigns[campaign] = {
        "tried": len(results),
        "held": sum(result.held for result in results),
    }
    rows = [row for row in before.get("rows", []) if row["campaign"] != campaign]
    rows += [{"campaign": campaign, **vars(result)} for result in results]
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, json.dumps({"campaigns": campaigns, "rows": rows}, indent=1) + "\n")
