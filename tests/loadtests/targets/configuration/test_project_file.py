from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.config.file.known import Known
from loadtests.model.errors import UsageError
from loadtests.model.tested.target import TargetKind
from loadtests.targets.configuration import project_file
from loadtests.targets.configuration.project_file import ProjectFile

KNOWN = Known(servers={"gunicorn": ("gthread",)}, variants=("gthread",))


def load(here: Path, asked: str | None = None) -> ProjectFile | None:
    return project_file.load(Path(asked) if asked else None, here, KNOWN)


PASSED = 'target = "shop:app"\npass-env = ["DATABASE_URL"]\n'


def test_a_variable_that_the_shell_lacks_is_a_mistake_and_never_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "twofold.toml").write_text(PASSED)

    with pytest.raises(
        UsageError, match=r"twofold.toml:2: .*DATABASE_URL is not set .*--env DATABASE_URL=VALUE"
    ):
        load(tmp_path)


@pytest.mark.parametrize(
    ("text", "given"), [("", ("DATABASE_URL",)), ('env = {DATABASE_URL = "sqlite://"}\n', ())]
)
def test_a_variable_that_the_shell_lacks_may_be_given_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, given: tuple[str, ...]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "twofold.toml").write_text(PASSED + text)

    found = project_file.load(None, tmp_path, KNOWN, given=given)

    assert found is not None
    assert found.settings.pass_env == ["DATABASE_URL"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout with a configuration, in a folder that has one of its own."""
    (tmp_path / "twofold.toml").write_text("rounds = 3")
    checkout = tmp_path / "shop"
    (checkout / ".git").mkdir(parents=True)
    (checkout / "src").mkdir()
    return checkout


def test_without_a_file_there_is_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'shop'")

    assert load(tmp_path) is None


def test_the_file_is_found_above_up_to_the_top_of_the_checkout(checkout: Path) -> None:
    assert load(checkout / "src") is None

    (checkout / "pyproject.toml").write_text("[tool.twofold]\nrounds = 8")
    found = load(checkout / "src")

    assert found is not None
    assert (found.settings.rounds, found.folder) == (8, checkout)
    assert found.file == str(checkout / "pyproject.toml")


def test_two_configurations_in_one_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.twofold]\nrounds = 8")
    (tmp_path / "twofold.toml").write_text("rounds = 8")

    with pytest.raises(UsageError, match=r"both configure Twofold.*--config twofold.toml"):
        load(tmp_path)
    found = load(tmp_path, "pyproject.toml")
    assert found is not None
    assert found.settings.rounds == 8


def test_a_file_that_was_asked_for_has_to_be_there_and_configure_us(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read \(No such file"):
        load(tmp_path, "other.toml")
    (tmp_path / "pyproject.toml").write_text("[project]")
    with pytest.raises(UsageError, match=r"--config pyproject.toml has no table \[tool.twofold\]"):
        load(tmp_path, "pyproject.toml")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "twofold.toml").write_bytes('out = "résultats"'.encode("latin-1"))

    with pytest.raises(UsageError, match=r"twofold.toml is not UTF-8 \(byte 8\)"):
        load(tmp_path)


def test_the_target_is_found_from_the_files_folder(checkout: Path) -> None:
    (checkout / "docker").mkdir()
    (checkout / "docker" / "Dockerfile").write_text("FROM scratch")
    (checkout / "twofold.toml").write_text('dockerfile = "docker/Dockerfile"')
    found = load(checkout / "src")

    assert found is not None
    assert found.target is not None
    assert found.target.kind is TargetKind.DOCKERFILE
    assert found.target.dockerfile == str(checkout / "docker" / "Dockerfile")


def test_the_sample_application_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "twofold.toml").write_text('target = "sample"\nworkload = "cpu"')
    known = Known(servers={}, workloads=("cpu",))
    found = project_file.load(None, tmp_path, known)

    assert found is not None
    assert found.target is not None
    assert found.target.kind is TargetKind.SAMPLE


def test_values_come_from_a_list_or_from_a_column(tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("id,word\n1,red\n2,\n3,green\n", encoding="utf-8-sig")
    (tmp_path / "ids.csv").write_text("id,name\n1,ada\n,\n2,bob\n3,eve\n")
    (tmp_path / "twofold.toml").write_text(
        """
        [workloads.browse]
        requests = ["GET /{a}/{b}/{c}/{d}"]
        [workloads.browse.values]
        a = ["x", 7]
        b = {file = "ids.csv"}
        c = {file = "words.csv", column = "word"}
        d = {file = "ids.csv", column = "name"}
        """
    )
    found = load(tmp_path)

    assert found is not None
    assert found.values == {
        "browse": {
            "a": ("x", "7"),
            "b": ("1", "2", "3"),
            "c": ("red", "green"),
            "d": ("ada", "bob", "eve"),
        }
    }


def test_an_empty_cell_moves_no_column_against_another_of_its_file(tmp_path: Path) -> None:
    """Two of them, in different rows, leave both columns equally long."""
    rows = "user,password\nada,1\nbob,\neve,3\n,4\n"
    (tmp_path / "people.csv").write_text(rows)
    (tmp_path / "twofold.toml").write_text(
        """
        [workloads.shop]
        requests = ["GET /{user}/{password}"]
        [workloads.shop.values]
        user = {file = "people.csv"}
        password = {file = "people.csv", column = "password"}
        """
    )

    with pytest.raises(UsageError) as raised:
        load(tmp_path)

    told = str(raised.value)
    assert "Line 5 of people.csv has no value in the column 'user'" in told
    assert "Line 3 of people.csv has no value in the column 'password'" in told


@pytest.mark.parametrize("other", ["./people.csv", "link.csv", "sub/../people.csv"])
def test_one_file_by_two_names_is_one_file(tmp_path: Path, other: str) -> None:
    (tmp_path / "people.csv").write_text("user,password\nada,1\nbob,\neve,3\n,4\n")
    (tmp_path / "link.csv").symlink_to("people.csv")
    (tmp_path / "sub").mkdir()
    (tmp_path / "twofold.toml").write_text(
        f"""
        [workloads.shop]
        requests = ["GET /{{user}}/{{password}}"]
        [workloads.shop.values]
        user = {{file = "people.csv"}}
        password = {{file = "{other}", column = "password"}}
        """
    )

    with pytest.raises(UsageError, match="has no value in the column 'password'"):
        load(tmp_path)


PLACES = """
[workloads.shop]
requests = ["GET /product/{{product}}", "GET /{other}"]
start = {start}
[workloads.shop.values]
product = {{file = "places.csv"}}
city = {{file = "places.csv", column = "city"}}
"""


def test_a_column_of_its_own_may_end_before_another(tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text("product,city\n1,Rome\n2,Oslo\n3,\n4,\n")
    (tmp_path / "twofold.toml").write_text(PLACES.format(other="city/{city}", start=[]))

    found = load(tmp_path)

    assert found is not None
    assert found.values["shop"] == {"product": ("1", "2", "3", "4"), "city": ("Rome", "Oslo")}


@pytest.mark.parametrize(
    ("rows", "other", "start", "line"),
    [
        pytest.param("1,Rome\n2,\n3,Oslo\n", "city/{city}", [], 3, id="a gap"),
        pytest.param("1,Rome\n2,\n", "{product}/{city}", [], 3, id="one request has both"),
        pytest.param("1,Rome\n2,\n", "{city}", ["POST /{product}"], 3, id="a user keeps its row"),
    ],
)
def test_a_column_that_belongs_to_another_may_not_end_before_it(
    tmp_path: Path, rows: str, other: str, start: list[str], line: int
) -> None:
    (tmp_path / "places.csv").write_text(f"product,city\n{rows}")
    (tmp_path / "twofold.toml").write_text(PLACES.format(other=other, start=start))

    with pytest.raises(UsageError, match=f"Line {line} of places.csv has no value in the column"):
        load(tmp_path)


def test_the_folder_of_results_is_known_without_a_check(tmp_path: Path) -> None:
    assert project_file.results(tmp_path) is None
    (tmp_path / "twofold.toml").write_text('out = "measured"\nrounds = "broken"')

    assert project_file.results(tmp_path) == tmp_path / "measured"


FILES = """
target = "http://127.0.0.1:8000"
[workloads.shop]
requests = [{{method = "POST", path = "/a", files = {{locustfile = "{file}"}}}}]
[workloads.shop.values.name]
file = "{file}"
"""


@pytest.mark.parametrize("way", ["absolute", "above", "link"])
def test_data_that_is_sent_lies_in_the_checkout(checkout: Path, tmp_path: Path, way: str) -> None:
    (tmp_path / "secret.csv").write_text("name\nada\n")
    (checkout / "link.csv").symlink_to(tmp_path / "secret.csv")
    file = {"absolute": str(tmp_path / "secret.csv"), "above": "../secret.csv", "link": "link.csv"}
    (checkout / "twofold.toml").write_text(FILES.format(file=file[way]))

    with pytest.raises(UsageError) as error:
        load(checkout)

    assert str(error.value).count("lies outside of") == 2


def test_data_may_lie_elsewhere_in_the_checkout(checkout: Path) -> None:
    (checkout / "names.csv").write_text("name\nada\n")
    (checkout / "src/twofold.toml").write_text(FILES.format(file="../names.csv"))

    found = load(checkout / "src")

    assert found is not None
    assert found.values["shop"] == {"name": ("ada",)}
