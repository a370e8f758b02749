from __future__ import annotations

import pytest

from app.state_store import StateStore
from scripts.zoo.app import create_app
from scripts.zoo.app.memory_state import MemoryState
from scripts.zoo.app.switches import Switches


@pytest.mark.parametrize(("memory", "kind"), [(False, StateStore), (True, MemoryState)])
def test_a_switch_decides_where_state_is_kept(memory: bool, kind: type[StateStore]) -> None:
    assert type(create_app({"SWITCHES": Switches(memory_state=memory)}).state) is kind


def test_it_renders_the_pages_of_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app()
    monkeypatch.setattr(app.store, "row", lambda *_: (7, "seven"))

    page = app.test_client().get("/mixed?id=7").text

    assert "Item 7" in page
    assert "seven" in page


def test_the_environment_turns_faults_on_and_the_configuration_goes_over_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ERROR_PERCENT", "100")
    monkeypatch.setenv("THREADS", "4")

    assert create_app().test_client().get("/cpu?rounds=1").status_code == 500
    assert create_app().slots == 4
    sound = create_app({"SWITCHES": Switches(), "SLOTS": 2})
    assert sound.test_client().get("/cpu?rounds=1").status_code == 200
    assert sound.slots == 2
