from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.model.tested.surroundings import FoundService
from loadtests.targets.discovery import compose_files

TEXT = """
services:
  web:
    build: {context: ./web, target: production}
    ports: ["8000:8000"]
    depends_on: {db: {condition: service_healthy}}
    links: ["cache:redis"]
  api: {build: ., expose: [5000], depends_on: [db]}
  db: {image: postgres}
"""


def test_services_have_what_they_are_built_from_and_what_they_need(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(TEXT)
    file = "docker-compose.yml"

    services, notes = compose_files.find(tmp_path)

    assert notes == ()
    assert services == (
        FoundService(file=file, name="web", context="./web", publishes=True, needs=("db", "cache")),
        FoundService(file=file, name="api", context=".", publishes=True, needs=("db",)),
        FoundService(file=file, name="db"),
    )
    assert str(services[0]) == "docker-compose.yml:web"


def test_composes_own_tags_are_read_as_what_they_stand_before(tmp_path: Path) -> None:
    text = "services:\n  web: {build: ., ports: !override [80], labels: !reset null}\n"
    (tmp_path / "compose.yaml").write_text(text)

    (service,), notes = compose_files.find(tmp_path)

    assert (str(service), service.publishes, notes) == ("compose.yaml:web", True, ())


def test_a_file_that_cannot_be_read_is_a_note(tmp_path: Path) -> None:
    assert compose_files.find(tmp_path) == ((), ())
    (tmp_path / "compose.yaml").write_text("services: [")
    assert compose_files.find(tmp_path)[1][0].startswith("compose.yaml cannot be read: ")
    (tmp_path / "compose.yaml").write_text("[1]")
    assert compose_files.find(tmp_path) == ((), ("compose.yaml has no services.",))


def needs_of(folder: Path, text: str, env: str = "") -> dict[str, tuple[str, ...]]:
    (folder / "compose.yaml").write_text(text)
    (folder / ".env").write_text(env)
    services, _ = compose_files.find(folder)
    return {service.name: service.needs for service in services}


@pytest.mark.parametrize(
    ("settings", "env"),
    [
        ("environment: {DATABASE_URL: 'postgresql://u:p@db/shop'}", ""),
        ("environment: {DATABASE_URL: '${DATABASE_URL}'}", "DATABASE_URL=postgresql://u:p@db/x\n"),
        ("environment: ['DB_HOST=$HOST_OF_DB']", 'export HOST_OF_DB="db"  # the store\n'),
        ("environment: [DATABASE_URL]", "DATABASE_URL='mysql://db/x'\n"),
        ("environment: {A_URL: '${A_URL:-postgresql://db/shop}'}", ""),
        ("env_file: .env", "HOST_OF_DB=db\nDATABASE_URL=postgresql://${HOST_OF_DB}:5432/x\n"),
        ("env_file: [{path: .env, required: false}]", "DB_HOST=db\n"),
    ],
)
def test_a_store_that_a_variable_names_is_needed_as_a_run_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, env: str
) -> None:
    for name in ("DATABASE_URL", "HOST_OF_DB", "A_URL"):
        monkeypatch.delenv(name, raising=False)
    text = f"services:\n  web: {{build: ., {settings}}}\n  db: {{image: 'postgres:16'}}\n"

    assert needs_of(tmp_path, text, env) == {"web": ("db",), "db": ()}


def test_the_shell_wins_over_the_file_of_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "services: {web: {build: ., environment: {A_URL: $A_URL}}, db: {}, new: {}}"
    monkeypatch.setenv("A_URL", "postgresql://new/x")

    assert needs_of(tmp_path, text, "A_URL=postgresql://db/x")["web"] == ("new",)


BESIDE = """
services:
  web: {build: ., environment: {DATABASE_URL: "${NO_SUCH_URL}", KEY: "${NO_SUCH_KEY:-}"}}
  db: {image: "postgres:16", ports: ["5432:5432"]}
  queue: {image: rabbitmq}
  worker: {image: worker, depends_on: [queue]}
  page: {image: mongo-express, depends_on: [documents]}
  documents: {image: mongo}
"""


def test_a_store_that_nothing_names_is_beside_and_a_variable_without_a_value_is_told(
    tmp_path: Path,
) -> None:
    (tmp_path / "compose.yaml").write_text(BESIDE)

    services, _ = compose_files.find(tmp_path)

    web = services[0]
    assert (web.needs, web.beside, web.unset) == ((), ("db", "documents"), ("NO_SUCH_URL",))
    assert services[1].beside == ()


@pytest.mark.parametrize(
    "setting",
    [
        "environment: 5",
        "depends_on: 5",
        "env_file: 5",
        "networks: {a: 5}",
        "networks: {a: {aliases: 5}}",
    ],
)
def test_a_mistake_in_a_setting_is_composes_to_tell(tmp_path: Path, setting: str) -> None:
    assert needs_of(tmp_path, f"services: {{web: {{{setting}}}, db: {{}}}}")["web"] == ()


@pytest.mark.parametrize("extends", ["base", "{service: base}"])
def test_a_service_needs_what_the_one_that_it_extends_needs_and_not_that_one(
    tmp_path: Path, extends: str
) -> None:
    text = f"services: {{web: {{extends: {extends}}}, base: {{depends_on: [db]}}, db: {{}}}}"

    assert needs_of(tmp_path, text)["web"] == ("db",)


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name.replace('_', '.')}.yaml").write_text(text)


BASE = (
    "services:\n  web: {build: ., environment: {KEY: '${NO_SUCH_KEY}'}}\n  db: {image: postgres}\n"
)


def test_a_service_that_an_override_gives_something_it_needs_is_that_of_both_files(
    tmp_path: Path,
) -> None:
    write(tmp_path, compose=BASE, compose_override="services: {web: {depends_on: [db]}}")

    web, db = compose_files.find(tmp_path)[0]

    assert (str(web), web.needs) == ("compose.yaml:compose.override.yaml:web", ("db",))
    assert str(db) == "compose.yaml:db"


@pytest.mark.parametrize(
    ("override", "file"),
    [
        ("{web: {volumes: ['.:/srv'], command: flask run --debug}}", "compose.yaml"),
        ("{mail: {image: mailpit}}", "compose.yaml"),
        ("{web: {environment: [MORE=$NO_SUCH_VALUE]}}", "compose.yaml"),
        ("{web: {environment: [KEY=a]}}", "compose.yaml:compose.override.yaml"),
        ("{web: {build: {context: ./web}}}", "compose.yaml:compose.override.yaml"),
        ("{web: {environment: [DB_HOST=db]}}", "compose.yaml:compose.override.yaml"),
    ],
)
def test_an_override_is_left_out_where_the_service_lacks_nothing_without_it(
    tmp_path: Path, override: str, file: str
) -> None:
    write(tmp_path, compose=BASE, compose_override=f"services: {override}")

    assert compose_files.find(tmp_path)[0][0].file == file


def test_services_and_ports_of_an_override_are_seen(tmp_path: Path) -> None:
    over = "services: {page: {build: ./page}, db: {ports: [5432]}}"
    write(tmp_path, compose=BASE, compose_override=over)

    _, db, page = compose_files.find(tmp_path)[0]

    assert (str(db), db.publishes) == ("compose.yaml:db", True)
    assert str(page) == "compose.yaml:compose.override.yaml:page"


def test_files_that_a_variable_names_are_read_in_its_order_from_the_folder_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_FILE", "deploy/base.yaml;deploy/prod.yaml")
    monkeypatch.setenv("COMPOSE_PATH_SEPARATOR", ";")
    (tmp_path / "deploy").mkdir()
    write(tmp_path, compose="services: {other: {build: .}}")
    write(tmp_path / "deploy", base="services: {web: {build: ..}, db: {image: postgres}}")
    write(tmp_path / "deploy", prod="services: {web: {env_file: web.env}, db: !reset null}")
    (tmp_path / "deploy/web.env").write_text("DB_HOST=db\n")

    (web,), notes = compose_files.find(tmp_path)

    assert (str(web), web.context) == ("deploy/base.yaml:deploy/prod.yaml:web", ".")
    assert (web.needs, web.beside, notes) == ((), (), ())


@pytest.mark.parametrize("is_in_file", [True, False])
def test_a_file_that_a_variable_names_and_that_is_not_there_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_in_file: bool
) -> None:
    write(tmp_path, compose=BASE)
    if is_in_file:
        (tmp_path / ".env").write_text("COMPOSE_FILE=compose.yaml:gone.yaml")
    else:
        monkeypatch.setenv("COMPOSE_FILE", "compose.yaml:gone.yaml")

    assert compose_files.find(tmp_path) == (
        (),
        (
            "No Compose file was read: COMPOSE_FILE is compose.yaml:gone.yaml, and there is no"
            f" gone.yaml in {tmp_path}. Correct COMPOSE_FILE in"
            f" {'.env' if is_in_file else 'the shell'}, or unset it.",
        ),
    )


def test_files_that_are_named_are_read_and_no_others(tmp_path: Path) -> None:
    write(tmp_path, compose=BASE, compose_override="services: {web: {depends_on: [db]}}")

    assert compose_files.find(tmp_path, ["compose.yaml"])[0][0].needs == ()
    named = ["compose.yaml", "compose.override.yaml"]
    assert compose_files.find(tmp_path, named)[0][1].file == "compose.yaml:compose.override.yaml"


def test_services_of_an_included_file_are_named_by_the_file_that_includes_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "shop").mkdir()
    write(tmp_path, compose="include: [shop/compose.yaml]\nservices: {db: {image: postgres}}")
    write(tmp_path / "shop", compose="services: {web: {build: ., depends_on: [db]}}")

    (web, db), notes = compose_files.find(tmp_path)

    assert (str(web), web.context, web.needs) == ("compose.yaml:web", "shop", ("db",))
    assert (db.name, notes) == ("db", ())
