"""A Locust user with the lean client: what scenarios derive from."""

from __future__ import annotations

import random

import gevent
from locust import User
from locust.env import Environment
from locust.exception import StopTest
from locust.user.users import RestMixin

from loadtests.generator.http.client import HttpClient
from loadtests.generator.http.reporter import Reporter
from loadtests.generator.http.response import JudgedResponse
from loadtests.generator.load import Load


class LeanHttpUser(User, RestMixin[JudgedResponse]):
    """A user whose ``client`` costs little; otherwise like Locust's ``FastHttpUser``.

    ``load`` is the trial's (see ``Load``); under plain Locust it is one that keeps no record.
    """

    abstract = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if self.host is None:
            raise StopTest("No host: pass --host, or set `host` in the user class.")
        self.load = load_of(environment)
        self.client = HttpClient(
            base_url=self.host,
            load=self.load,
            reporter=Reporter(environment, self.load.recorder, self.context),
        )

    def on_start(self) -> None:
        """Wait a random part of the time over which users start, so that they come spread out."""
        if self.load.spread_s:
            gevent.sleep(random.random() * self.load.spread_s)


def load_of(environment: Environment) -> Load:
    """Return the load that ``environment`` is under; one without a record if there is none yet."""
    load: Load | None = getattr(environment, "load", None)
    if load is None:
        load = Load()
        environment.load = load  # type: ignore[attr-defined]  # travels with Locust's own record
    return load
