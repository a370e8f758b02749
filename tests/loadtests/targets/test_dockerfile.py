"""A Dockerfile, or a folder that has one, as a target."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.model.tested.target import TargetKind
from loadtests.targets import dockerfile
from loadtests.targets.dockerfile import copied


def write(path: Path, text: str = "FROM scratch\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["Dockerfile", "Containerfile"])
def test_a_folder_is_built_from_itself(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / "shop" / name)

    target = dockerfile.find("shop", tmp_path)

    assert target.kind is TargetKind.DOCKERFILE
    assert (target.name, target.folder, target.dockerfile) == ("shop", str(file.parent), str(file))
    assert target.notes == (f"The image is built from {file.parent}, by {name}.",)


@pytest.mark.parametrize(
    ("files", "context"),
    [
        (("requirements.txt",), "."),
        (("docker/requirements.txt",), "docker"),
        (("requirements.txt", "docker/requirements.txt"), "docker"),
        ((), "docker"),
    ],
)
def test_a_dockerfile_in_a_folder_is_built_from_where_its_files_are(
    tmp_path: Path, files: tuple[str, ...], context: str
) -> None:
    write(tmp_path / "docker/Dockerfile", "FROM scratch\nCOPY requirements.txt /\nCOPY . /app\n")
    for file in files:
        write(tmp_path / file)

    target = dockerfile.find("docker/Dockerfile", tmp_path)

    assert target.folder == str((tmp_path / context).resolve())


@pytest.mark.parametrize(
    ("files", "context"),
    [
        (("shop.py",), "."),
        (("src/shop.py", "docker/entrypoint.sh", "docker/nginx/shop.conf"), "."),
        (("shop.py", "docker/.dockerignore", "docker/gunicorn.conf.py"), "."),
        (("shop.py", "docker/shop.py"), "docker"),
        (("shop.py", "docker/requirements.txt"), "docker"),
        (("shop.py", "docker/pyproject.toml"), "docker"),
        (("notes.md",), "docker"),
    ],
)
def test_a_whole_folder_is_one_with_an_application_in_it(
    tmp_path: Path, files: tuple[str, ...], context: str
) -> None:
    write(tmp_path / "docker/Dockerfile", "FROM scratch\nCOPY . /app\n")
    for file in files:
        write(tmp_path / file)

    target = dockerfile.find("docker/Dockerfile", tmp_path)

    assert target.folder == str((tmp_path / context).resolve())


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("COPY a.txt b.txt /x/", ("a.txt", "b.txt")),
        ('copy ["a b.txt", "/x"]', ("a b.txt",)),
        ("ADD --chown=1:1 ./src/ /app  # all", ("src",)),
        ("COPY . .", (".",)),
        ("COPY a \\\n  b /x", ("a", "b")),
        ("COPY --from=build /x /y", ()),
        ("ADD https://example.org/x /x\nCOPY ${FILE} /x", ()),
        ("RUN cp a b\nCOPY", ()),
        ('COPY "unclosed /x', ('"unclosed',)),
    ],
)
def test_what_a_dockerfile_copies_is_found(text: str, paths: tuple[str, ...]) -> None:
    assert copied(text) == paths


def test_a_folder_without_one_is_told_with_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no Dockerfile in .*Name the file"):
        dockerfile.find(".", tmp_path)

    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").write_text("from flask import Flask\napp = Flask('a')\n")
    with pytest.raises(UsageError, match=r"is in shop/__init__\.py: there, name shop:app"):
        dockerfile.find(".", tmp_path)

    write(tmp_path / "docker-compose.yml")
    with pytest.raises(UsageError, match=r"It has docker-compose\.yml: name one of its services"):
        dockerfile.find(".", tmp_path)


def test_what_looks_like_a_dockerfile_is_recognised(tmp_path: Path) -> None:
    write(tmp_path / "web.Dockerfile")
    write(tmp_path / "app.py")

    assert dockerfile.recognises("web.Dockerfile", tmp_path)
    assert dockerfile.recognises(".", tmp_path)
    assert not dockerfile.recognises("app.py", tmp_path)
    assert not dockerfile.recognises("Dockerfile", tmp_path)


def test_words_that_are_nested_without_end_are_words() -> None:
    assert isinstance(copied(f"COPY {'[' * 100_000}\n"), tuple)
