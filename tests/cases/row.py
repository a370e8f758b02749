"""One row of the collection of cases, and where its right outcome is tested."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """A case, what has to come out, the tests that hold it, and what the fixture is.

    ``tests`` are pytest's node ids; a test with parameters is named without them where all of them
    belong to the row. ``fixture`` is ``file::name`` of a function, a class or a constant.
    """

    part: str
    case: str
    expected: str
    tests: tuple[str, ...]
    fixture: str

    @property
    def key(self) -> str:
        """A name that no other row has."""
        return f"{self.part}: {self.case}"
