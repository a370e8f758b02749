"""The base class for users in locustfiles: a Locust user with the generator's own client."""

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
    """A user like Locust's ``FastHttpUser``, whose ``client`` needs less CPU.

    ``load`` is the trial's load (see ``Load``). Under plain Locust, it records nothing.
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
        """Wait a random part of ``spread_s``, so that users do not all start at once."""
        if self.load.spread_s:
            gevent.sleep(random.random() * self.load.spread_s)


def load_of(environment: Environment) -> Load:
    """Return the load of ``environment``; if it has none, set one that records nothing."""
    load: Load | None = getattr(environment, "load", None)
    if load is None:
        load = Load()
        environment.load = load  # type: ignore[attr-defined]  # travels with Locust's own record
    return load
