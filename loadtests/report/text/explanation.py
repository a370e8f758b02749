"""What ``twofold explain`` prints, in the order in which a person asks. PURE.

Does it scale? Where does a request spend its time, and what grew? What does it wait for? What does
the store say? Which lines? What could not be seen, and where are the stacks?
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loadtests.model.result import RunResult
from loadtests.report.text import profiles, story


def render(result: RunResult, *, stacks: str) -> str:
    """Return the whole text; ``stacks`` is the folder of the collapsed stacks."""
    return "\n".join(_parts(result, stacks)) + "\n"


def _parts(result: RunResult, stacks: str) -> Iterator[str]:
    yield story.answer(result)
    yield from _block(profiles.TITLE, profiles.sentences(result))
    yield from _block("What a request does", _table(profiles.kind_rows(result)))
    yield from _block("What the store's sessions do", _table(profiles.store_rows(result)))
    yield from _block(
        "Which statements take the store's time (share, calls, ms a call)",
        _table(profiles.statement_rows(result)),
    )
    yield from _block("Lines of code", _lines(result))
    yield from _block("What could not be seen, and what it cost", profiles.notes(result))
    if any(cell.lines for cell in result.profiles.cells):
        yield ""
        yield f"Stacks for speedscope and flame graph programs: {stacks}/*.collapsed"


def _block(title: str, texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield ""
        yield title
        yield from (f"  {text}" for text in texts)


def _lines(result: RunResult) -> list[str]:
    rows = []
    for cell, line, callee, time, share, does in profiles.line_rows(result):
        calls = f" calls {callee}" if callee else ""
        rows += [f"{cell}: {time} ms ({share}) in {line}{calls}", f"    {does}"]
    return rows


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows with their columns aligned; the last column is as long as it is."""
    if not rows:
        return []
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
