"""The runner that a locustfile finds: it starts users, and is not ended by the file."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from locust.env import Environment
from locust.runners import LocalRunner

from loadtests.generator.session.places import error_place, place_of


@dataclass(frozen=True, kw_only=True)
class UserError:
    """An exception of the user's code; ``at`` is a moment of the monotonic clock."""

    at: float
    kind: str
    detail: str
    place: str
    task: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail} ({self.place})"


class UserRunner(LocalRunner):
    """Locust's local runner; ``quit`` and ``stop`` are only noted in ``stopped_at``."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.folder: Path | None = None
        self.user_errors: list[UserError] = []
        self.stopped_at: str | None = None

    def note_error(self, error: BaseException, place: str, task: str) -> None:
        """Remember an exception of the user's code."""
        self.user_errors.append(
            UserError(
                at=monotonic(),
                kind=type(error).__name__,
                detail=first_line(str(error)),
                place=place,
                task=task,
            )
        )

    def quit(self) -> None:
        """Note that the locustfile wants to end the test."""
        self.stopped_at = self.stopped_at or place_of(self.folder)

    def stop(self) -> None:
        """Note that the locustfile wants to end the test."""
        self.stopped_at = self.stopped_at or place_of(self.folder)

    def start(self, *_options: Any, **_more: Any) -> None:
        """Do nothing: the trials say how many users there are."""


def runner_for(environment: Environment, folder: Path | None, number: int) -> UserRunner:
    """Return the environment's runner; create it, and tell the locustfile, on the first call."""
    runner = environment.runner
    if isinstance(runner, UserRunner):
        return runner
    runner = environment._create_runner(UserRunner)  # noqa: SLF001 - as its own methods do
    runner.folder = folder
    runner.worker_index = number
    logging.getLogger("locust.user.task").setLevel(logging.CRITICAL)  # errors are counted here

    def on_user_error(user_instance: Any, exception: BaseException, tb: Any) -> None:
        user = getattr(user_instance, "user", user_instance)
        pace = user.__dict__.get("pace")
        task = pace.task if pace is not None else ""
        runner.note_error(exception, error_place(folder, tb), task)

    events: Any = environment.events  # Locust leaves them untyped
    events.user_error.add_listener(on_user_error)
    events.init.fire(environment=environment, runner=runner, web_ui=None)
    return runner


def first_line(text: str) -> str:
    """Return the first line of ``text``, not too long."""
    return text.strip().partition("\n")[0][:300]


def stack_of(greenlet: Any) -> str:
    """Return the stack of a greenlet that does not run, as text."""
    return "".join(traceback.format_stack(greenlet.gr_frame))
