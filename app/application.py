"""The application class: Flask, with the parts that live as long as a worker process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flask import Flask, current_app

from app.counters import Counters
from app.state_store import StateStore
from app.store import Store


class Application(Flask):
    """A Flask application with counters, a store, and state in the store.

    It is a subclass of Flask for two reasons. Its parts have types, which ``app.extensions`` would
    not give them. And a server that forks starts a worker in two steps: it loads the application,
    then the worker begins to serve. ``open`` is the second step.

    A subclass that is defined elsewhere still finds its templates here.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__("app")
        self.config.from_mapping(config)
        self.counters = Counters()
        self.store = Store(self.config["DATABASE_URL"], size=self.config["DATABASE_CONNECTIONS"])
        self.state = StateStore(self.store)

    def open(self) -> None:
        """Connect to the store. The process that serves calls this before its first request.

        Raises:
            StoreError: a store is configured, but it does not answer.
        """
        self.store.open()

    def close(self) -> None:
        """Close what ``open`` opened."""
        self.store.close()


def this_app() -> Application:
    """Return Flask's ``current_app`` as an :class:`Application`."""
    return cast("Application", current_app)
