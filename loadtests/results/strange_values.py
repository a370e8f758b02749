"""Tells a file that somebody changed from a defect of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtests.model.errors import UsageError


@contextmanager
def refused(path: Path) -> Iterator[None]:
    """Turn what analysis raises for values that no run writes into :class:`UsageError`.

    ``path`` is what was read. A run's own first report is made without this: there, the same
    errors are a defect.
    """
    try:
        yield
    except (ArithmeticError, LookupError, TypeError, ValueError, AssertionError) as error:
        raise UsageError(
            f"{path} holds values that no run or gate writes ({type(error).__name__}: {error})."
            " Was it changed? Use the file as it was written. If it is, this is a bug in twofold."
        ) from error
