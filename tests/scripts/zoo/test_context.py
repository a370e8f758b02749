"""The isolation probe on real servers, for a second each; ``make truth`` asks 100,000 times."""

from pathlib import Path

import pytest

from loadtests.environments.processes import backend
from loadtests.environments.replica_environment import NO_SETTINGS, Settings
from scripts.zoo.context import CAUGHT, REQUESTS, Seen, row_of, stack_of
from scripts.zoo.plans import WSGI_APP
from tests import needs

MODULE_STATE: Settings = {"*": {"CONTEXT_STORE": "module"}}
ENOUGH = Seen(requests=REQUESTS)


def asked(
    folder: Path, settings: Settings = NO_SETTINGS, *, wsgi_app: str = backend.WSGI_APP
) -> dict[str, Seen]:
    with stack_of(tuple(CAUGHT), folder, settings=settings, wsgi_app=wsgi_app) as ready:
        return {worker: ready.ask(worker, seconds=1.0) for worker in CAUGHT}


@needs.PROCESSES
@pytest.mark.slow
@pytest.mark.parallel
def test_no_request_sees_the_token_of_another_under_any_worker_model(tmp_path: Path) -> None:
    found = asked(tmp_path)

    assert all((seen.foreign, seen.failed) == (0, 0) for seen in found.values())
    assert all(seen.requests > 100 for seen in found.values())


@needs.PROCESSES
@pytest.mark.slow
@pytest.mark.parallel
def test_a_token_in_the_module_is_caught_where_a_process_has_several_requests_at_once(
    tmp_path: Path,
) -> None:
    found = asked(tmp_path, MODULE_STATE, wsgi_app=WSGI_APP)

    assert {worker: seen.foreign > 0 for worker, seen in found.items()} == CAUGHT


def test_the_row_is_right_where_nothing_is_foreign_and_the_broken_one_is_caught() -> None:
    mixed = {worker: Seen(requests=100, foreign=60 * caught) for worker, caught in CAUGHT.items()}

    assert row_of({"gthread": ENOUGH}, mixed)["right"]
    assert row_of({"gthread": ENOUGH}, mixed)["figures"]["context"]["foreign"] == 0


@pytest.mark.parametrize(
    ("sound", "told"),
    [
        (Seen(requests=REQUESTS, foreign=1), "1 foreign tokens"),
        (Seen(requests=REQUESTS, failed=2), "2 failed requests"),
        (Seen(requests=REQUESTS - 1), "Only 99999 requests."),
    ],
)
def test_one_foreign_token_or_one_request_too_few_is_wrong(sound: Seen, told: str) -> None:
    row = row_of({"gevent": sound}, {})

    assert not row["right"]
    assert told in row["wrong_because"][0]


def test_a_probe_that_does_not_see_the_broken_application_is_wrong() -> None:
    blind = {"gthread": Seen(requests=100), "sync": Seen(requests=100, foreign=1)}

    assert row_of({"gthread": ENOUGH}, blind)["wrong_because"] == [
        "gthread: a token in the module was not caught.",
        "sync: a token in the module was caught.",
    ]
