"""What the builders' output says of a failure: all of it was captured from real builds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import proc
from loadtests.tools.docker import images as docker_images
from loadtests.tools.docker.images import Image, failure_of, parse_image
from tests.checkout import CHECKOUT

DATA = CHECKOUT / "tests/data/docker_build"

RUN = (
    'RUN echo building && echo "WARNING: old thing" && /venv/bin/pip install --no-index'
    " flask-nonexistent-package"
)
NOT_FOUND = (
    "ERROR: Could not find a version that satisfies the requirement flask-nonexistent-package"
    " (from versions: none)"
)
LOOKUP = "dial tcp: lookup registry.invalid on 192.0.2.53:53: no such host"


@pytest.mark.parametrize(
    ("captured", "said"),
    [
        ("classic-step", f"Step 3/4 ({RUN}) failed: {NOT_FOUND}"),
        ("buildkit-step", f"Step 2/2 ({RUN}) failed: {NOT_FOUND}"),
        (
            "classic-copy",
            "Step 2/3 (COPY missing.txt /) failed: COPY failed: file not found in build context"
            " or excluded by .dockerignore: stat missing.txt: file does not exist",
        ),
        (
            "buildkit-copy",
            'Step 2/3 (COPY missing.txt /) failed: "/missing.txt" not found: not found',
        ),
        (
            "classic-from",
            "Step 1/2 (FROM registry.invalid/shop:1) failed:"
            f' Get "https://registry.invalid/v2/": {LOOKUP}',
        ),
        (
            "buildkit-from",
            f'failed to do request: Head "https://registry.invalid/v2/shop/manifests/1": {LOOKUP}',
        ),
        (
            "classic-syntax",
            "Error response from daemon: dockerfile parse error line 2: unknown instruction: RUNN",
        ),
        ("buildkit-syntax", "dockerfile parse error line 2: unknown instruction: RUNN"),
    ],
)
def test_the_step_and_the_first_error_of_a_build_are_found(captured: str, said: str) -> None:
    lines = (DATA / f"{captured}.txt").read_text().splitlines()

    assert str(failure_of(lines)) == said


def test_a_builder_that_said_nothing_gives_no_reason() -> None:
    assert failure_of([]) is None


def test_an_image_that_does_not_build_is_told_with_its_step_and_the_end_of_the_output(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(*_: object, on_line: Callable[[str], None], **__: object) -> None:
        for line in (DATA / "classic-step.txt").read_text().splitlines():
            on_line(line)
        raise ProcessFailure("`docker build` ended with code 1", output="code: 1")

    monkeypatch.setattr(proc, "run", run)

    with pytest.raises(EnvironmentFailure) as failure:
        docker_images.build(("docker", "build", "."), what="shop", on_line=lambda _: None)

    first, *_, last = str(failure.value).splitlines()
    assert first == f"The image of shop does not build. Step 3/4 ({RUN}) failed: {NOT_FOUND}"
    assert last == "Try it by hand: docker build ."
    assert "\x1b" not in str(failure.value)


def test_a_builder_that_hangs_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, on_line: Callable[[str], None], **__: object) -> None:
        on_line("Step 1/2 : FROM shop")
        on_line("nothing is wrong yet")
        raise ProcessFailure("The engine does not answer")

    monkeypatch.setattr(proc, "run", run)

    with pytest.raises(EnvironmentFailure, match=r"does not build\. The engine does not answer\n"):
        docker_images.build(("docker", "build", "."), what="shop", on_line=lambda _: None)


def test_a_build_gets_its_arguments_and_labels() -> None:
    argv = docker_images.build_argv(
        tag="t",
        folder=Path("shop"),
        dockerfile=Path("shop/Dockerfile"),
        arguments={"V": "1"},
        labels={"io.twofold.target": "shop"},
    )

    assert argv == (
        *("docker", "build", "--tag", "t", "--force-rm", "--file", "shop/Dockerfile"),
        *("--build-arg", "V=1", "--label", "io.twofold.target=shop", "shop"),
    )


@pytest.mark.parametrize(
    ("config", "image"),
    [
        (
            {
                "ExposedPorts": {"9000/tcp": {}, "8000/tcp": {}, "53/udp": {}},
                "Cmd": ["gunicorn"],
                "Env": ["PATH=/bin", "A=b=c"],
                "Healthcheck": {"Test": ["CMD", "curl", "localhost"]},
            },
            Image(
                id="i",
                ports=(8000, 9000),
                command=("gunicorn",),
                env=(("PATH", "/bin"), ("A", "b=c")),
                checks_health=True,
            ),
        ),
        (
            {"Cmd": None, "Entrypoint": None, "Healthcheck": {"Test": ["NONE"]}},
            Image(id="i"),
        ),
        (None, Image(id="i")),
    ],
)
def test_what_an_image_declares_is_read(config: object, image: Image) -> None:
    assert parse_image({"Id": "i", "Config": config}) == image


def test_a_pull_that_fails_gives_the_engines_own_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, on_line: Callable[[str], None], **__: object) -> None:
        on_line("Error response from daemon: pull access denied for shop")
        raise ProcessFailure("code 1")

    monkeypatch.setattr(proc, "run", run)

    assert docker_images.pull("shop") == "Error response from daemon: pull access denied for shop"


def test_a_build_that_writes_without_end_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = docker_images.FIRST_LINES + docker_images.LAST_LINES + 1000
    kept: list[int] = []

    def run(*_: object, on_line: Callable[[str], None], **__: object) -> None:
        on_line("Step 1/2 : RUN yes")
        for _line in range(lines):
            on_line("y" * 2 * docker_images.LINE_CHARS)
        on_line("ERROR: it did not end")
        raise ProcessFailure("`docker build` ended with code 1", output="code: 1")

    def failed(texts: list[str]) -> str:
        kept.extend(map(len, texts))
        return f"{texts[0]}, {texts[-1]}"

    monkeypatch.setattr(proc, "run", run)
    monkeypatch.setattr(docker_images, "failure_of", failed)

    with pytest.raises(EnvironmentFailure, match=r"Step 1/2 : RUN yes, ERROR: it did not end"):
        docker_images.build(("docker", "build", "."), what="shop", on_line=lambda _: None)

    assert len(kept) == docker_images.FIRST_LINES + docker_images.LAST_LINES
    assert max(kept) == docker_images.LINE_CHARS
