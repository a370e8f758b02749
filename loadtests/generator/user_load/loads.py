"""The loads of the user's own that this process has, and their users at each address."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from locust.env import Environment
from locust.stats import RequestStats

from loadtests.generator.check_trial.replay import Recorded
from loadtests.generator.http.pool import Pool
from loadtests.generator.loops import limit
from loadtests.generator.order import ALL, Share, TrialOrder
from loadtests.generator.request_list.users import RequestList, list_user
from loadtests.generator.session.load import Exchanger, SessionLoad
from loadtests.generator.session.names import secret_values
from loadtests.generator.session.stock import record_other_clients
from loadtests.generator.user_load import pace
from loadtests.generator.user_load.crowd import Crowd
from loadtests.generator.user_load.gate import PauseGate
from loadtests.generator.user_load.guard import Guard
from loadtests.generator.user_load.orders import LoadOrder
from loadtests.generator.user_load.runner import UserRunner, runner_for
from loadtests.generator.user_load.user_file import UserFile, load_user_file, settle_in
from loadtests.generator.user_load.watchdog import Watchdog

MOST_USERS = 256
"""What a locustfile reads as the number of users: how many come to be is found out later."""


@dataclass(frozen=True, kw_only=True)
class Kit:
    """What all users of one load share, whatever their address."""

    environment: Environment
    runner: UserRunner
    file: UserFile | None = None
    began: list[bool] = field(default_factory=list)
    """Not empty once the event ``test_start`` has been fired."""

    @property
    def folder(self) -> Path | None:
        """The folder of the locustfile."""
        return None if self.file is None else self.file.folder


class UserLoads:
    """The loads by their key, and their crowds by load and address.

    ``number`` is that of this process. With ``stats``, all loads write to these.
    """

    def __init__(self, pool: Pool, *, number: int = 0, stats: RequestStats | None = None) -> None:
        self.guard = Guard()
        self.watchdog = Watchdog()
        self.pool = pool
        self.recorded: dict[str, Recorded] = {}
        """What check trials recorded, by the load's key."""
        self._number = number
        self._stats = stats
        self._limit = limit.of_environment()
        self._kits: dict[str, Kit] = {}
        self._crowds: dict[tuple[str, str, bool], Crowd] = {}
        self._lists: dict[int, RequestList] = {}

    def crowd(
        self,
        order: LoadOrder,
        base_url: str,
        *,
        timeout_s: float,
        share: Share = ALL,
        exchanger: Exchanger | None = None,
        seed: int = 0,
        anew: bool = False,
    ) -> Crowd:
        """Return the users of ``order`` at ``base_url``; there may be none yet.

        Those with an ``exchanger`` are others. ``anew`` ends those that there are. Raises
        ``UnusableLocustfile``.
        """
        pace.install()
        key = (order.key, base_url, exchanger is not None)
        self.pool.origin(base_url)  # raises now if the URL cannot be used
        kit = self._ready_kit(order, base_url, seed)
        crowd = self._crowds.get(key)
        if crowd is not None and anew:
            self.forget(crowd)
            crowd = None
        if crowd is None:
            crowd = self._crowds[key] = self._new_crowd(
                order, kit, base_url, timeout_s, share, exchanger
            )
        crowd.load.timeout_s = timeout_s
        kit.environment.load = crowd.load  # type: ignore[attr-defined]  # travels with Locust's own
        if not kit.began:
            kit.began.append(True)
            kit.runner.update_state("running")
            kit.runner.target_user_count = MOST_USERS
            events: Any = kit.environment.events  # Locust leaves them untyped
            events.test_start.fire(environment=kit.environment)
            if kit.file is not None:
                kit.file.stocks.note()
        return crowd

    def renew_for(self, order: TrialOrder) -> None:
        """Close the connections that were kept, if ``order`` says so."""
        if order.reconnect:
            self.pool.renew()
            for crowd in self._crowds.values():
                crowd.renew()

    def request_list(self, crowd: Crowd) -> RequestList | None:
        """Return the request list that ``crowd`` sends, if it has one."""
        return self._lists.get(id(crowd))

    def kit(self, order: LoadOrder) -> Kit:
        """Return what the users of a load share that has been used before."""
        return self._kits[order.key]

    def forget(self, crowd: Crowd) -> None:
        """End the users of ``crowd`` without a request."""
        self._crowds = {key: other for key, other in self._crowds.items() if other is not crowd}
        self._lists.pop(id(crowd), None)
        crowd.drop()

    def end(self, limit_s: float) -> None:
        """End all users, and tell each locustfile of it."""
        for crowd in self._crowds.values():
            crowd.end(limit_s)
        for kit in self._kits.values():
            events: Any = kit.environment.events  # Locust leaves them untyped
            kit.runner.update_state("stopped")
            events.test_stop.fire(environment=kit.environment)
            events.quitting.fire(environment=kit.environment, reverse=True)
            events.quit.fire(exit_code=0)
        self._crowds.clear()
        self._kits.clear()

    def _ready_kit(self, order: LoadOrder, base_url: str, seed: int) -> Kit:
        """Return the load's kit, with its folder, variables and address in force."""
        file = order.locustfile
        if order.key in self._kits:
            kit = self._kits[order.key]
            self.guard.only(base_url, kit.folder)
            if file is not None and Path.cwd() != kit.folder:
                settle_in(file)
            os.environ.update({} if file is None else file.env)
            kit.environment.host = base_url
            if kit.file is not None:
                kit.file.point_at(base_url)
            if kit.environment.parsed_options is not None:
                kit.environment.parsed_options.host = base_url
            return kit
        self.guard.only(base_url, None if file is None else Path(file.path).parent)
        random.seed(f"{seed}/{self._number}")  # a file that seeds by itself does so later
        kit = self._kits[order.key] = self._new_kit(order, base_url)
        return kit

    def _new_kit(self, order: LoadOrder, base_url: str) -> Kit:
        if order.locustfile is None:
            environment = Environment()
            runner = runner_for(environment, None, self._number)
            return Kit(environment=environment, runner=runner)
        file = load_user_file(order.locustfile, number=self._number, base_url=base_url)
        file.point_at(base_url)
        environment = file.environment
        environment.stats = self._stats or environment.stats
        runner = runner_for(environment, file.folder, self._number)
        record_other_clients(environment, lambda: environment.load)  # type: ignore[attr-defined]
        return Kit(environment=environment, runner=runner, file=file)

    def _new_crowd(
        self,
        order: LoadOrder,
        kit: Kit,
        base_url: str,
        timeout_s: float,
        share: Share,
        exchanger: Exchanger | None,
    ) -> Crowd:
        gate = PauseGate(self._limit)
        load = SessionLoad(
            pool=self.pool,
            gate=gate,
            base_url=base_url,
            timeout_s=timeout_s,
            headers=dict(order.headers),
            folder=kit.folder,
            exchanger=exchanger,
            limit=self._limit,
        )
        if order.locustfile is not None:
            load.names.secrets = secret_values(order.locustfile.env)
        environment = kit.environment
        requests = None
        if order.locustfile is None:  # prepared requests carry their address, so does their class
            requests = RequestList(order, load, share)
            environment = Environment(user_classes=[list_user(requests)])
            environment.runner = kit.runner
        load.own_handlers = own_handlers(environment)
        keep_waits = order.locustfile is not None and order.locustfile.keep_waits
        stocks = None if kit.file is None else kit.file.stocks
        crowd = Crowd(
            environment, load, gate, kit.runner, keep_waits=keep_waits, share=share, stocks=stocks
        )
        if requests is not None:
            self._lists[id(crowd)] = requests
        return crowd


def own_handlers(environment: Environment) -> int:
    """Return how many listeners of the event ``request`` are Locust's or the generator's."""
    events: Any = environment.events  # Locust leaves them untyped
    return sum(
        handler.__module__.startswith(("locust.", "loadtests.generator."))
        for handler in events.request._handlers  # noqa: SLF001 - only they show it
    )
