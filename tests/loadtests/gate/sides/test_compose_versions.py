"""Services of Compose files as versions of a gate are refused, with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.gate.sides import compose_versions
from loadtests.model.errors import UsageError

SERVICE = "services: {{web: {{build: ., volumes: [{mount}]}}, db: {{image: postgres}}}}\n"


def refusal(folder: Path, mount: str, asked: str = "compose.yaml:web") -> str:
    (folder / "shop.py").write_text("app = None\n")
    (folder / "data").mkdir()
    (folder / "compose.yaml").write_text(SERVICE.format(mount=mount))
    with pytest.raises(UsageError) as error:
        compose_versions.refuse("base", asked, folder)
    return str(error.value)


@pytest.mark.parametrize(
    "mount", [".:/srv", "./:/srv:ro", "{type: bind, source: ., target: /srv}", "../shop:/srv"]
)
def test_code_mounted_over_the_image_would_make_base_and_head_one_version(
    tmp_path: Path, mount: str
) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()

    message = refusal(folder, mount)

    assert f"mounts {folder} over /srv" in message
    assert "base and head would be one version" in message


@pytest.mark.parametrize("mount", ["./data:/data", "named:/srv"])
def test_another_mount_is_not_the_reason(tmp_path: Path, mount: str) -> None:
    message = refusal(tmp_path, mount)

    assert "one version" not in message
    assert "a gate takes no service of a Compose file. Name a git ref" in message


@pytest.mark.parametrize("asked", ["main", "shop:1.2", ".", "HEAD~1"])
def test_other_names_are_no_services(tmp_path: Path, asked: str) -> None:
    compose_versions.refuse("head", asked, tmp_path)
