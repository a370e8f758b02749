"""What is tested where a Compose file has a store: the service that has it, and its pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.report.text.init import configuration
from loadtests.targets import registry
from loadtests.targets.discovery import looking
from tests.loadtests.targets.discovery.test_looking import COMPOSE, SHOP, look


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


def test_a_service_that_names_its_store_by_a_variable_goes_before_the_application_alone(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "compose.yaml").write_text(
        "services:\n  web: {build: ., environment: {DATABASE_URL: '${SHOP_DATABASE_URL}'}}\n"
        "  db: {image: postgres}\n"
    )
    monkeypatch.setenv("SHOP_DATABASE_URL", "postgresql://u:p@db/shop")
    found = look(shop)
    assert (found.target, found.why) == (
        "compose.yaml:web",
        "a service of compose.yaml that needs db",
    )
    assert "depends_on" not in "".join(found.notes)

    monkeypatch.delenv("SHOP_DATABASE_URL")
    found = look(shop)
    assert (found.target, found.why) == ("compose.yaml:web", "a service of compose.yaml beside db")
    assert found.notes == (
        "Nothing in compose.yaml says that web needs db, so a run starts it without. If it needs"
        " that, write there: depends_on: [db].",
        "compose.yaml gives web variables without a value: SHOP_DATABASE_URL. Set them here or in"
        " .env.",
    )


def test_a_service_without_a_store_is_left_for_the_application_alone(shop: Path) -> None:
    (shop / "compose.yaml").write_text("services: {web: {build: .}, mail: {image: mailpit}}")

    assert look(shop).target == "shop:create_app()"


def test_pages_that_fail_without_the_store_are_in_the_load_of_the_service_that_has_it(
    shop: Path,
) -> None:
    (shop / "compose.yaml").write_text(COMPOSE)

    found = look(shop)

    assert configuration.requests(found.routes)[0] == ["/", "/boom"]
    assert found.notes == (
        "The application alone failed at GET /boom, perhaps for want of db. The load has them all"
        " the same: compose.yaml:web brings it along.",
    )
    assert "Does it need data" not in configuration.summary(found, "twofold.toml")


def test_so_are_they_where_the_service_is_named(shop: Path) -> None:
    (shop / "compose.yaml").write_text(COMPOSE)
    named = registry.recognise("compose.yaml:web", shop)

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("VIRTUAL_ENV", raising=False)
        found = looking.look(shop, named, python=None, env={}, ask=True)

    assert (found.target, found.why) == ("compose.yaml:web", looking.NAMED)
    assert configuration.requests(found.routes)[0] == ["/", "/boom"]
    assert [note for note in found.notes if "for want of db" in note]


def test_a_service_of_two_files_is_the_target_by_both_of_them(shop: Path) -> None:
    (shop / ".env").write_text("COMPOSE_FILE=base.yaml:prod.yaml\n")
    (shop / "base.yaml").write_text("services: {web: {build: .}}\n")
    (shop / "prod.yaml").write_text("services: {web: {depends_on: [db]}, db: {image: postgres}}\n")
    both = "base.yaml:prod.yaml:web"

    found = look(shop)
    assert (found.target, found.why) == (both, "a service of base.yaml:prod.yaml that needs db")

    named = registry.recognise("base.yaml:web", shop)
    found = looking.look(shop, named, python=None, env={}, ask=False)
    assert (found.target, [service.needs for service in found.services]) == ("base.yaml:web", [()])


def test_a_file_that_a_variable_names_and_that_is_missing_is_told_where_nothing_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_FILE", "gone.yaml")

    with pytest.raises(UsageError, match=r"Nothing was found .* COMPOSE_FILE is gone\.yaml, and"):
        look(tmp_path)
