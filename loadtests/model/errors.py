"""All errors that users can meet, each with its exit code.

::

    TwofoldError                     5  (a defect of Twofold)
    ├── UsageError                   2  an option, a value, a configuration file
    │   └── PlanError                2  the machine cannot test what was asked
    ├── UnusableLoad                 3  the user's own load, as it is, cannot be measured
    │   └── ListTooShort             3  a list of credentials has too few for more servers
    ├── EnvironmentFailure           4  engine, port, disk, image, replica
    │   ├── GeneratorFailure         4  the load generator died or does not answer
    │   ├── NotInForce               4  an image runs another worker model than it was told to
    │   └── ProcessFailure           4  a program that is not ours failed
    └── Interrupted              130/143  SIGINT or SIGTERM, after the stack is down

A message names the thing, its value and the way out.
"""

from __future__ import annotations

from typing import ClassVar

EXIT_YES = 0
EXIT_NO = 1
EXIT_USAGE = 2
EXIT_CANNOT_TELL = 3
EXIT_ENVIRONMENT = 4
EXIT_INTERNAL = 5

EXIT_VERDICTS = frozenset({EXIT_YES, EXIT_NO, EXIT_CANNOT_TELL})
"""Exit codes of what measured to its end, whatever that shows."""

AS_IT_STARTS = "Measure it as it starts itself: leave out --workers."
"""What to do with an image that runs another worker model than it was told to."""


class TwofoldError(Exception):
    """The root of the tree; the command line turns it into one message and an exit code."""

    exit_code: ClassVar[int] = EXIT_INTERNAL


class UsageError(TwofoldError):
    """An option, a value or a configuration file is not usable."""

    exit_code = EXIT_USAGE


class PlanError(UsageError):
    """The machine cannot test what was asked; the message names what would fit."""


class UnusableLoad(TwofoldError):
    """The user's requests or locustfile, as they are, give no load that can be measured."""

    exit_code = EXIT_CANNOT_TELL

    @property
    def early_end(self) -> str:
        """The note of a run or a gate that ends with this and has its answer already."""
        return f"This ended early. {' '.join(str(self).split())}"


class ListTooShort(UnusableLoad):
    """A list from which each user takes an entry has enough for the fewest servers only."""


class EnvironmentFailure(TwofoldError):
    """The engine, a port, the disk, an image or a replica is not as needed."""

    exit_code = EXIT_ENVIRONMENT


class GeneratorFailure(EnvironmentFailure):
    """The load generator ended, or did not answer in time."""


class NotInForce(EnvironmentFailure):
    """Worker models could not be put into force in an image; ``workers`` are their names.

    ``run`` then measures the image as it starts.
    """

    def __init__(self, message: str, *, workers: tuple[str, ...]) -> None:
        super().__init__(message)
        self.workers = workers


class ProcessFailure(EnvironmentFailure):
    """A program that is not ours ended with a failure.

    ``output`` holds the end of what it wrote, for the person who has to find out why.
    """

    def __init__(self, message: str, *, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class Interrupted(TwofoldError):
    """A signal asked the run to stop; ``signum`` gives the exit code 128 + signum.

    ``measures`` is whether there may be trials.
    """

    def __init__(self, signum: int, *, measures: bool = True) -> None:
        kept = "; finished trials are kept" if measures else ""
        super().__init__(f"Stopped by signal {signum}{kept}.")
        self.signum = signum
