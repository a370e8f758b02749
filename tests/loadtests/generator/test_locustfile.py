from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import locust
import pytest
from locust import User

from loadtests.generator.locustfile import (
    DEFAULT,
    Locustfiles,
    UnusableLocustfile,
    load_locustfile,
    local_runner,
    path_of,
    share_users,
)

ONE_USER = """
from locust import User, events, task

@events.request.add_listener
def on_request(**_):
    pass

class Own(User):
    @task
    def nothing(self):
        pass
"""

INIT = """
@events.init.add_listener
def on_init(environment, runner, **_):
    environment.told = [*getattr(environment, "told", []), runner]
"""


def users(**weights: float) -> list[type[User]]:
    return [type(name, (User,), {"weight": weight}) for name, weight in weights.items()]


def test_the_built_in_locustfile_is_there() -> None:
    assert [cls.__name__ for cls in load_locustfile(path_of(DEFAULT)).user_classes] == [
        "SampleUser"
    ]


def test_a_locustfile_has_events_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(ONE_USER)

    first, second = load_locustfile(path), load_locustfile(path)

    assert first.events is not second.events
    # The file's listener, and the record's, since its users have a client that is not ours.
    assert len(first.events.request._handlers) == 2
    assert locust.events is second.events


def test_a_locustfile_hears_of_its_runner_once(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(ONE_USER + INIT)
    environment = load_locustfile(path)

    runner = local_runner(environment)

    assert local_runner(environment) is runner
    assert environment.told == [runner]  # type: ignore[attr-defined]


def test_a_locustfile_is_loaded_once(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(ONE_USER)
    locustfiles = Locustfiles()

    assert locustfiles.environment(str(path)) is locustfiles.environment(str(path))
    assert locustfiles.environment(None) is not locustfiles.environment(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "has no User class"),
        ("1/0", "ZeroDivisionError"),
        ("def", "SyntaxError"),
        ("from locust import User\nclass A(User):\n    weight = 0", "weight > 0"),
    ],
)
def test_a_locustfile_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)

    with pytest.raises(UnusableLocustfile, match=message) as caught:
        load_locustfile(path)

    assert str(path) in str(caught.value)


def test_a_locustfile_that_is_not_there_is_named() -> None:
    with pytest.raises(UnusableLocustfile, match=r"/no/such\.py"):
        load_locustfile(Path("/no/such.py"))


def test_users_are_shared_out_by_weight() -> None:
    assert share_users(users(A=3, B=1), 8) == {"A": 6, "B": 2}
    assert share_users(users(A=1, B=1, C=1), 8) == {"A": 3, "B": 3, "C": 2}
    assert sum(share_users(users(A=0.2, B=7, C=3.3), 101).values()) == 101


def test_fixed_counts_come_first() -> None:
    fixed, other = users(A=1, B=1)
    fixed.fixed_count = 3

    assert share_users([fixed, other], 10) == {"A": 3, "B": 7}
    assert share_users([fixed, other], 2) == {"A": 2, "B": 0}
    assert share_users([fixed], 10) == {"A": 3}


def test_a_bare_name_is_a_built_in_locustfile_and_a_path_is_a_path(tmp_path: Path) -> None:
    assert path_of("mixed").is_file()
    assert path_of(str(tmp_path / "mixed.py")) == (tmp_path / "mixed.py").resolve()


def test_a_user_of_the_mixture_goes_through_its_cycle_each_from_another_place() -> None:
    environment = load_locustfile(path_of("mixed"))
    (kind,) = environment.user_classes
    module = sys.modules[kind.__module__]
    repeated: list[list[tuple[str, str]]] = []

    for start in range(2):
        user = kind.__new__(kind)
        keep = SimpleNamespace(repeat=lambda requests: repeated.append([*requests]))
        user.client = keep  # type: ignore[attr-defined]
        user.ask()  # type: ignore[attr-defined]
        assert repeated[start] == [*module.CYCLE[start:], *module.CYCLE[:start]]

    assert Counter(path for _, path in module.CYCLE) == {
        "/db": 4,
        "/cpu": 2,
        "/mixed": 2,
        "/db/write": 1,
        "/io": 1,
    }
