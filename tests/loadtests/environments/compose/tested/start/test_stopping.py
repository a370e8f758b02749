from dataclasses import replace

import pytest

from loadtests.environments.compose.tested.start import stopping
from loadtests.environments.compose.tested.start.stopping import handles_sigterm, note
from loadtests.tools import procfs
from tests.loadtests.environments.compose.fake_engine import a_container

KILLED = a_container("web", running=False, exit_code=137)


@pytest.mark.parametrize(
    ("handled", "said"),
    [(False, stopping.IGNORED), (None, stopping.NOT_IN_TIME), (True, None)],
)
def test_only_replicas_without_a_handler_ignored_sigterm(
    handled: bool | None, said: str | None
) -> None:
    assert note([KILLED], ["web"], handled=handled) == said


def test_replicas_that_ended_by_themselves_or_are_others_give_no_note() -> None:
    for container in (replace(KILLED, exit_code=0), replace(KILLED, out_of_memory=True)):
        assert note([container], ["web"], handled=False) is None
    assert note([KILLED], ["other"], handled=False) is None


def test_handlers_are_known_on_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procfs, "catches", lambda _, number: number == 15)

    assert handles_sigterm(KILLED, local=True) is True
    assert handles_sigterm(KILLED, local=False) is None
