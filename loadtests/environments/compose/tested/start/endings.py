"""What is said of a user's container that ended, or that does not come up. It does no I/O."""

from __future__ import annotations

from loadtests.environments.counters import member_name
from loadtests.environments.shared import remedies
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.stack import without_times
from loadtests.tools.docker import Container
from loadtests.tools.error_lines import first_error, repeated

LINES = 400
"""Lines of a log that are read, so that the first error is among them."""

SHOWN_LINES = 20
"""Lines of a log that a message shows."""

MEMORY_REMEDY = "Give it more memory (mem_limit), or start fewer worker processes in it."


class ReplicaEnded(EnvironmentFailure):
    """A container of the user's ended by itself."""

    def __init__(self, message: str, container: Container) -> None:
        super().__init__(message)
        self.container = container

    @property
    def may_be_a_race(self) -> bool:
        """Whether it ended with an error of its own, such as a table that another one makes."""
        return self.container.exit_code != 0 and not self.container.out_of_memory


def ended(container: Container, log: str, *, what: str = "Replica") -> str:
    """Return why a container does not run: its code, its first error, and what to do."""
    name = member_name(container)
    if container.out_of_memory:
        return (
            f"{what} {name} was killed, out of memory (OOMKilled, exit code"
            f" {container.exit_code}). {MEMORY_REMEDY}{end_of(log)}"
        )
    error = first_error(_lines(log))
    said = f": {error.rstrip('.')}." if error else "."
    remedy = remedies.of_an_end(log) or remedies.of_a_failure(log)
    return f"{what} {name} ended with exit code {container.exit_code}{said}{remedy}{end_of(log)}"


def end_of(log: str) -> str:
    """Return the last lines of a log as the end of a message."""
    lines = _lines(log)[-SHOWN_LINES:]
    return " The end of its log:\n" + "\n".join(lines) if lines else " It wrote no log."


def repeats(log: str) -> str:
    """Return a sentence on the line that a log repeats, or nothing."""
    found = repeated(_lines(log))
    if found is None:
        return ""
    line, times = found
    return f" Its log repeats ({times} times): {line}."


def _lines(log: str) -> list[str]:
    return [line for line in without_times(log).splitlines() if line.strip()]
