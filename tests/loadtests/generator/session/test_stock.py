from types import SimpleNamespace
from typing import Any

from geventhttpclient.client import HTTPClientPool

from loadtests.generator.session.stock import Gated, GatedFastSession
from loadtests.generator.user_load.crowd import Crowd


def test_a_fast_session_is_renewed_and_goes_on() -> None:
    pool = HTTPClientPool()
    before = pool.get_client("http://127.0.0.1:9")
    session: Any = SimpleNamespace(client=SimpleNamespace(clientpool=pool))

    GatedFastSession.renew(session)

    assert pool.get_client("http://127.0.0.1:9") is not before


def test_the_stock_sessions_of_all_users_are_renewed() -> None:
    class Session(Gated):
        renewed = 0

        def renew(self) -> None:
            self.renewed += 1

    ours, theirs = SimpleNamespace(session=Session()), Session()
    users: Any = [
        SimpleNamespace(greenlet=None, client=ours),
        SimpleNamespace(greenlet=None, client=theirs),
        SimpleNamespace(greenlet=None, client=SimpleNamespace()),
    ]
    crowd: Any = Crowd.__new__(Crowd)
    crowd._users = dict(enumerate(users))

    crowd.renew()

    assert (ours.session.renewed, theirs.renewed) == (1, 1)
