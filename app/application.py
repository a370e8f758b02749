"""The application's own class: Flask with the parts that live as long as a worker process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, current_app

from app.counters import Counters
from app.store import Store

if TYPE_CHECKING:
    from app.state import State


class Application(Flask):
    """A Flask application that knows its process.

    It is subclassed, rather than given ``extensions``, because a server that forks makes a worker
    in two steps: the application is loaded, then it begins to serve. The class gives the second
    step, and the end of it, a name, and its parts a type.
    """

    state: State

    def __init__(self, import_name: str, config: Mapping[str, Any]) -> None:
        super().__init__(import_name)
        self.config.from_mapping(config)
        self.counters = Counters()
        self.store = Store(self.config["DATABASE_URL"], size=self.config["DATABASE_CONNECTIONS"])

    def open(self) -> None:
        """Begin to serve, in the process that does.

        Raises:
            StoreError: there should be a store, and it does not answer.
        """
        self.store.open()

    def close(self) -> None:
        """Give back what ``open`` took."""
        self.store.close()


def this_app() -> Application:
    """Return the application that answers the current request, with its own type."""
    return cast("Application", current_app)
