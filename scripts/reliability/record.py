"""The record of the campaigns: which cases were tried, and which held."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.model.errors import TwofoldError
from loadtests.tools import files

FULL, USERS, SHORT = "full", "users", "short"
FORMS = (FULL, USERS, SHORT)
"""The forms of a campaign, the fullest first: a shorter one does not stand for a fuller one."""


class Broken(Exception):
    """A promise was broken; the message says how."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a run with a fault said, and whether a rule that is for this fault saw it."""

    detail: str
    right_rule: bool


@dataclass(frozen=True, kw_only=True)
class Case:
    """One try: ``run`` gets an empty folder, and raises :class:`Broken` if the promise breaks.

    It may return a detail, such as how long something took.
    """

    name: str
    run: Callable[[Path], str | Seen | None]


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a case ended."""

    case: str
    held: bool
    detail: str
    seconds: float
    right_rule: bool | None = None
    """Whether a rule for the fault saw it; None where no rule is asked for."""

    def __str__(self) -> str:
        """Return a line of progress."""
        mark = "held" if self.held else "BROKEN"
        return f"{self.case}: {mark}{f' ({self.detail})' if self.detail else ''}"


def tried(case: Case, folder: Path) -> Result:
    """Run a case in a folder of its own; whatever it raises makes it a broken case, and no more."""
    started_s = time.monotonic()
    own = Path(tempfile.mkdtemp(dir=folder))
    held = True
    seen: str | Seen | None = None
    try:
        seen = case.run(own)
    except (Broken, TwofoldError, OSError) as error:
        held, seen = False, str(error)
    except Exception as error:  # noqa: BLE001  a case must not end the campaign of a day
        held, seen = False, f"{type(error).__name__}: {error}"
    return Result(
        case=case.name,
        held=held,
        detail=seen.detail if isinstance(seen, Seen) else seen or "",
        seconds=round(time.monotonic() - started_s, 1),
        right_rule=seen.right_rule if isinstance(seen, Seen) else None,
    )


def record(
    path: Path,
    campaign: str,
    results: Sequence[Result],
    *,
    form: str = FULL,
    in_part: bool = False,
) -> None:
    """Write a campaign's results into the file, in the place of its earlier ones of this form.

    ``campaigns`` counts the rows of the fullest form that there is. With ``in_part``, only the
    rows of the same cases are replaced.
    """
    before: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    cases = {result.case for result in results}
    rows = [
        row
        for row in before.get("rows", [])
        if (row["campaign"], row.get("form", FULL)) != (campaign, form)
        or (in_part and row["case"] not in cases)
    ]
    rows += [{"campaign": campaign, "form": form, **_fields(result)} for result in results]
    campaigns = {**before.get("campaigns", {}), campaign: _counts(campaign, rows)}
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, json.dumps({"campaigns": campaigns, "rows": rows}, indent=1) + "\n")


def _fields(result: Result) -> dict[str, Any]:
    return {name: value for name, value in vars(result).items() if value is not None}


def _counts(campaign: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many of a campaign's cases were tried, held, and were seen by the right rule."""
    of_form: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["campaign"] == campaign:
            of_form.setdefault(row.get("form", FULL), []).append(row)
    own = next((of_form[form] for form in FORMS if form in of_form), [])
    counts = {"tried": len(own), "held": sum(row["held"] for row in own)}
    if any("right_rule" in row for row in own):
        counts["right_rule"] = sum(row.get("right_rule", False) for row in own)
    return counts
