"""The harness's side of the metronome, which tells how fast the replicas' cores are just now."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools.proc import Child

ANSWER_LIMIT_S = 10.0
"""It answers in a millisecond; only a machine that has stopped takes longer than this."""


class _Told(BaseModel):
    cores: dict[int, tuple[float, float]]


class Metronome:
    """A running metronome, asked at the edges of windows."""

    def __init__(self, child: Child) -> None:
        self._child = child

    def ask(self) -> None:
        """Ask for its counts; the answer is fetched by :meth:`answer`."""
        self._child.send("now")

    def answer(self) -> dict[int, tuple[float, float]]:
        """Give work and CPU-seconds of each core since the start; both only grow."""
        line = self._child.receive(ANSWER_LIMIT_S)
        try:
            return _Told.model_validate_json(line).cores
        except ValidationError as error:
            raise EnvironmentFailure(
                f"The metronome wrote {line[:200]!r}, which makes no sense. Its log:"
                f" {self._child.log}"
            ) from error
