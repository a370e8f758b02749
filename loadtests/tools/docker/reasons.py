"""Why an engine did not answer: the operating system's text, and whether there is an engine."""

from __future__ import annotations

from collections.abc import Iterator

from loadtests.model.errors import EnvironmentFailure

NOBODY = (FileNotFoundError, ConnectionRefusedError, PermissionError)
"""What a connection ends with where no engine runs, or none that this user may use."""


class NoEngine(EnvironmentFailure):
    """No engine runs, or none that this user may use; one that hangs is another failure."""


def reason(error: BaseException) -> str:
    """Return the operating system's text if one caused the error, else the error's first line."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def is_nobody(error: BaseException) -> bool:
    """Return whether an error tells that there is no engine, and not that one does not answer."""
    return any(isinstance(cause, NOBODY) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[object]:
    """Give an error and all that caused it; the client's libraries keep causes in many places."""
    causes: list[object] = [error]
    for cause in causes:
        yield cause
        if isinstance(cause, BaseException):
            nested = (
                cause.__cause__,
                cause.__context__,
                getattr(cause, "reason", None),
                *cause.args,
            )
            causes += [part for part in nested if part is not None and part not in causes]
