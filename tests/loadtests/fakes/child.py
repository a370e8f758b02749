"""A child that is no process: it answers each line by a function."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from loadtests.model.errors import ProcessFailure
from loadtests.tools.proc import Child


class ScriptedChild(Child):
    """A child that answers each line by a function; it is no process."""

    def __init__(self, answer: Callable[[str], Iterator[str]]) -> None:
        self.argv = ("fake",)
        self.log = Path("fake.log")
        self.sent: list[str] = []
        self._answer = answer
        self._answers: deque[Iterator[str]] = deque()

    def send(self, line: str) -> None:
        self.sent.append(line)
        self._answers.append(self._answer(line))

    def receive(self, timeout_s: float) -> str:
        assert timeout_s > 0
        while self._answers:
            for line in self._answers[0]:
                return line
            self._answers.popleft()
        raise ProcessFailure("`fake` did not answer. Its log: fake.log")

    def close(self, *, grace_s: float = 3.0) -> None:
        pass


def says(*lines: str | Mapping[str, Any]) -> ScriptedChild:
    """Give a child that says these lines one after the other, whatever it is told."""
    rest = iter([line if isinstance(line, str) else json.dumps(line) for line in lines])
    return ScriptedChild(lambda _: rest)
