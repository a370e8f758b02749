import pytest

from loadtests.measurement.core_speed_probe import Metronome
from loadtests.model.errors import EnvironmentFailure
from tests.loadtests.fakes import says


def test_it_is_asked_in_a_word_and_answers_by_core() -> None:
    child = says({"at_s": 1.0, "cores": {"1": [500.0, 0.25, 0.5], "3": [0.0, 0.0, 0.0]}})
    metronome = Metronome(child)

    metronome.ask()

    assert metronome.answer() == {1: (500.0, 0.25, 0.5), 3: (0.0, 0.0, 0.0)}
    assert child.sent == ["now"]


@pytest.mark.parametrize(
    "line", ["", "Traceback", "{}", '{"cores": {"one": [1, 2, 3]}}', '{"cores": {"1": [1, 2]}}']
)
def test_an_answer_without_sense_is_one_message_that_names_its_log(line: str) -> None:
    metronome = Metronome(says(line))
    metronome.ask()

    with pytest.raises(EnvironmentFailure, match=r"not its protocol.*fake\.log"):
        metronome.answer()


def test_a_metronome_that_ended_is_one_message() -> None:
    metronome = Metronome(says())
    metronome.ask()

    with pytest.raises(EnvironmentFailure, match="did not answer"):
        metronome.answer()
