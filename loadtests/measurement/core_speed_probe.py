"""Reads the CPU speed probe, which measures the present speed of the replicas' cores."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools.proc import Child

ANSWER_LIMIT_S = 10.0
"""Timeout of an answer in seconds; it normally takes a millisecond."""


class _CoreCounts(BaseModel):
    cores: dict[int, tuple[float, float, float]]


class Metronome:
    """A running CPU speed probe, read at the edges of windows."""

    def __init__(self, child: Child) -> None:
        self._child = child

    def ask(self) -> None:
        """Request the counts; :meth:`answer` returns them."""
        self._child.send("now")

    def answer(self) -> dict[int, tuple[float, float, float]]:
        """Return each core's pieces of work and CPU-seconds of hashing and of reading memory."""
        line = self._child.receive(ANSWER_LIMIT_S)
        try:
            return _CoreCounts.model_validate_json(line).cores
        except ValidationError as error:
            raise EnvironmentFailure(
                f"The CPU speed probe wrote {line[:200]!r}, which is not its protocol. Its log:"
                f" {self._child.log}"
            ) from error
