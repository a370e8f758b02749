"""Code that is mounted over an image, which makes base and head one version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.gate.model.vocabulary import SideKind, SideName
from loadtests.gate.named_versions import Named
from loadtests.gate.tested import mounted
from loadtests.model.errors import UsageError

BASE = Named(name=SideName.BASE, asked="main", kind=SideKind.REF, commit="1" * 40)


def subject(*volumes: Any) -> Subject:
    part = Part(name="web", service="app", image="web:1", definition={"volumes": list(volumes)})
    return Subject(measured=part)


def bind(source: Path, target: str = "/app") -> dict[str, str]:
    return {"type": "bind", "source": str(source), "target": target}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "shop"
    (place / "src/shop").mkdir(parents=True)
    (place / "src/shop/web.py").write_text("app = None\n")
    (place / "static").mkdir()
    (place / "static/page.css").write_text("")
    (place / "settings.toml").write_text("")
    return place


@pytest.mark.parametrize("source", [".", "src", "src/shop", "src/shop/web.py"])
def test_code_over_the_image_is_refused_with_the_service_and_the_mount(
    place: Path, source: str
) -> None:
    with pytest.raises(
        UsageError, match=r"The service web of base mounts \./.* at /app\. Base and"
    ):
        mounted.check(subject(bind(place / source)), place, BASE)


def test_code_of_another_folder_is_refused_too(place: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "shop.py").write_text("")

    with pytest.raises(UsageError, match=f"mounts {other} over its image"):
        mounted.check(subject(bind(other)), place, BASE)


def test_other_files_and_volumes_are_no_code(place: Path) -> None:
    volumes = (
        bind(place / "static", "/app/static"),
        bind(place / "settings.toml", "/etc/shop.toml"),
        {"type": "volume", "source": "uploads", "target": "/app/uploads"},
        {"type": "volume", "target": "/app/cache"},
    )

    mounted.check(subject(*volumes), place, BASE)
