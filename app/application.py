"""The application's own class: Flask with the parts that live as long as a worker process."""

from __future__ import annotations

from mmap import mmap
from typing import cast

from flask import Flask, current_app

from app.counters import Counters


class Application(Flask):
    """A Flask application that knows its process.

    It is subclassed, rather than given ``extensions``, because a server that forks makes a worker
    in two steps: the application is loaded, then joins the other processes of its replica. The
    class gives the second step a name, and its parts a type.
    """

    def __init__(self, import_name: str) -> None:
        super().__init__(import_name)
        self.counters = Counters()

    def join(self, memory: mmap, number: int) -> None:
        """Count in ``memory``, shared by the replica's processes, of which this is the nth."""
        self.counters.share(memory, number)


def this_app() -> Application:
    """Return the application that answers the current request, with its own type."""
    return cast("Application", current_app)
