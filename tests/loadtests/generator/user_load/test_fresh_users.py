"""Users who begin anew: those who lived on from earlier trials are ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.loadtests.generator.child import Child
from tests.loadtests.generator.small_app import SmallApp
from tests.loadtests.generator.stub_server import stub_server
from tests.loadtests.generator.user_load.test_trials import LOGIN, written

pytestmark = [pytest.mark.slow, pytest.mark.parallel]  # a generator and its trials


def test_fresh_users_log_in_again_and_the_others_are_gone(tmp_path: Path) -> None:
    app = SmallApp(login_page=True)
    listed: dict[str, Any] = {
        "start": [{"method": "POST", "path": "/login", "form": {"user": "{user}"}}],
        "requests": [{"path": "/cart"}],
        "values": {"user": ["ada", "bob", "cyd", "dan"]},
    }
    with Child() as child, stub_server(app.answering) as (url, _):
        for load in ({"locustfile": written(tmp_path, LOGIN)}, listed):
            before = app.counts["POST /login"]
            first, fresh, same = (
                child.trial(base_url=url, users=4, fresh_users=anew, **load)
                for anew in (False, True, False)
            )

            starts = [each.finished["start_requests"] for each in (first, fresh, same)]
            assert starts == [4, 4, 0]
            assert app.counts["POST /login"] == before + 8
            assert same.count("ok") == len(same.columns["name"])
