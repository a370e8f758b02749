from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.config.file import place, reading
from loadtests.config.file.known import Known
from loadtests.config.tables.settings import Settings
from loadtests.model.errors import UsageError
from loadtests.targets.registry import FORMS

KNOWN = Known(servers={"gunicorn": ("gthread",)}, variants=("gthread",), workloads=("cpu",))


def settings(text: str, file: str = "twofold.toml") -> Settings:
    return reading.read(place.find(text, file=file), file=file, known=KNOWN).checked()


def refusal(text: str, file: str = "twofold.toml") -> str:
    with pytest.raises(UsageError) as refused:
        settings(text, file)
    return str(refused.value)


def test_the_keys_of_an_own_file_stand_at_the_top_or_in_our_table() -> None:
    assert settings("rounds = 8").rounds == 8
    assert settings("[tool.twofold]\nrounds = 8").rounds == 8
    assert settings("").rounds is None


def test_a_key_outside_of_our_table_is_a_mistake() -> None:
    assert refusal("rounds = 8\n[tool.twofold]\nseed = 1") == (
        "twofold.toml has a mistake:\n"
        "  twofold.toml:1: rounds: This key has to stand in [tool.twofold], as the others do."
    )


def test_a_pyproject_without_our_table_is_not_ours() -> None:
    for text in ("", "[tool.ruff]\nline-length = 100", "[tool.ruff", "[project]\nname = 3 4"):
        assert not place.find(text, file="pyproject.toml").is_there


def test_a_misspelt_table_is_found() -> None:
    assert "tool.twofodl: There is no such tool. Did you mean tool.twofold?" in refusal(
        "[tool.twofodl]\nrounds = 8", "pyproject.toml"
    )


def test_what_follows_from_a_misspelt_key_is_not_said_too() -> None:
    told = refusal('[variants.mine]\nsevrer = "gunicorn"')

    assert told.count("\n") == 1
    assert "variants.mine.sevrer: There is no such key here. Did you mean server?" in told


def test_a_key_of_another_table_is_said_to_belong_there() -> None:
    assert (
        "locustfile: There is no such key here. It belongs to [tool.twofold.workloads.NAME]."
        in (refusal('locustfile = "locustfile.py"'))
    )


def test_what_may_follow_from_an_unreadable_line_is_not_said_too() -> None:
    told = refusal('workers = ["mine"]\n[variants.mine]\nserver = gunicorn')

    assert told.count("\n") == 1
    assert "twofold.toml:3: variants.mine.server: This is no value of TOML." in told


def test_values_of_variables_are_in_no_message() -> None:
    told = refusal("env = {TOKEN = 5318008, PATHS = ['5318008']}")

    assert "env.TOKEN: Expected a string in quotes, got an integer." in told
    assert "5318008" not in told


def test_hundreds_of_mistakes_are_counted() -> None:
    told = refusal("\n".join(f"key{number} = 1" for number in range(130)))

    assert told.startswith("twofold.toml has 130 mistakes:")
    assert told.endswith("  … and 30 more.")


def test_the_forms_of_a_target_are_those_of_the_registry() -> None:
    options = {kind: form.option.removeprefix("--") for kind, form in FORMS.items()}

    assert {kind: key for key, kind in place.FORMS.items()} == options
    assert set(place.FORMS) <= set(Settings.model_fields)


@pytest.mark.parametrize(
    ("table", "option"),
    [
        ('{server = "gunicorn", options = "--preload --daemon"}', "--daemon"),
        ('{worker = "gthread", options = ["-D"]}', "-D"),
        ('{server = "uwsgi", options = ["--daemonize=/tmp/log"]}', "--daemonize"),
    ],
)
def test_an_option_that_detaches_a_server_is_a_mistake(table: str, option: str) -> None:
    known = replace(KNOWN, servers={"gunicorn": ("gthread",), "uwsgi": ("threads",)})
    text = f"[variants]\nmine = {table}"

    with pytest.raises(UsageError, match=f"variants.mine.options: {option} puts .* background"):
        reading.read(place.find(text, file="t"), file="t", known=known).checked()


def test_the_same_word_for_another_server_is_none() -> None:
    variants = settings('[variants]\nmine = {command = "serve {bind}", options = "-D"}').variants

    assert variants["mine"].options == ["-D"]
