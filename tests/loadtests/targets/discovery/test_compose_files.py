from pathlib import Path

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
