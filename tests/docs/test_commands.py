"""Every command and configuration block in the documentation is taken by the real programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, PROJECT, BadBlockError, Block, blocks, blocks_of, check, spans


def name(page: Path) -> str:
    return str(page.relative_to(PROJECT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_of_a_page_is_taken(page: Path) -> None:
    for block in blocks(page):
        check(block)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_inside_a_sentence_is_taken(page: Path) -> None:
    for span in spans(page):
        check(span)


def test_the_pages_have_blocks_of_every_kind_that_is_run_and_commands_in_sentences() -> None:
    kinds = {block.language for page in PAGES for block in blocks(page)}
    assert {"sh", "console", "yaml", "text"} <= kinds
    assert [span for page in PAGES for span in spans(page)]


@pytest.mark.parametrize(
    ("language", "text", "reason"),
    [
        ("sh", "twofold rum", "No such command 'rum'"),
        ("sh", "twofold run --workloads cpu", "No such option"),
        ("sh", "twofold run --workload cpu,disk", "Unknown workload 'disk'"),
        ("sh", "twofold run --replicas 1,3", "no number that is twice another"),
        ("sh", ".venv/bin/twofold report --format pdf", "'pdf' is not one of"),
        ("sh", "twofold gate --margin little", "not a valid float"),
        ("sh", "docker version && twofold gate calibrate --quick", "No such option"),
        ("console", "$ twofold compare --json x y\noutput", "unexpected extra argument"),
        ("console", "output alone", "a console has a command"),
        ("sh", "make loadtests", "no target loadtests"),
        ("sh", 'make loadtest ARGS="--workload disk"', "Unknown workload 'disk'"),
        ("sh", "python3 scripts/gone.py", "is not there"),
        ("sh", "python3 scripts/set_up.py --compose-file", "does not take"),
        ("sh", "frobnicate --all", "'frobnicate' is not known"),
        ("sh", "echo 'open", "unexpected EOF"),
        ("toml", "a = ", "Invalid value"),
        ("json", '{"a": 1,}', "property name"),
        ("yaml", "a: [1", "expected"),
        ("python", "def f(:", "invalid syntax"),
        ("ini", "[Service]", "kind 'ini' is unknown"),
        ("", "no language", "kind '' is unknown"),
    ],
)
def test_a_block_that_would_not_work_is_found(language: str, text: str, reason: str) -> None:
    with pytest.raises(BadBlockError, match=r"page\.md:3: ") as caught:
        check(Block(page="page.md", line=3, language=language, text=text))
    assert reason in str(caught.value)


def test_an_indented_block_is_found_since_nobody_knows_what_it_is() -> None:
    (block,) = blocks_of("Text.\n\n    twofold run\n", "page.md")
    with pytest.raises(BadBlockError, match="'indented' is unknown"):
        check(block)


@pytest.mark.parametrize(
    "text",
    [
        "twofold run --workload cpu,io --replicas 1,2,4 --seed 7",
        "sudo python3 scripts/base_image.py --own --mirror http://mirror.example/debian",
        'make truth ARGS="--members perfect,errors --times 1"',
        "make loadtest PYTHON=python3.12   # another Python",
        "export TWOFOLD_BASE_IMAGE=$(python3 scripts/base_image.py --own)",
        "docker save a:1 | gzip > base.tar.gz",
        "twofold export --samples csv \\\n    --output -",
    ],
)
def test_a_block_that_works_is_taken(text: str) -> None:
    check(Block(page="page.md", line=1, language="sh", text=text))
