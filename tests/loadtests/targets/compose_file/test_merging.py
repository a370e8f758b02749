"""Several Compose files, merged as Compose merges them."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.targets.compose_file.merging import merged
from loadtests.tools.docker_compose import parse_with_tags


def both(base: str, over: str) -> dict[str, Any]:
    """Return the service of two files that say this of it."""
    documents = (parse_with_tags(f"services: {{web: {{{text}}}}}") for text in (base, over))
    return dict(merged(documents)["web"])


@pytest.mark.parametrize(
    ("base", "over", "both_say"),
    [
        ("image: a", "image: b", {"image": "b"}),
        ("image: a", "image: null", {"image": "a"}),
        ("image: a", "command: [b]", {"image": "a", "command": ["b"]}),
        ("command: [a, b]", "command: [c]", {"command": ["c"]}),
        ("ports: [80]", "ports: [81]", {"ports": [80, 81]}),
        ("build: .", "build: {target: dev}", {"build": {"context": ".", "target": "dev"}}),
        ("build: {context: a}", "build: b", {"build": {"context": "b"}}),
        ("environment: [A=1, B]", "environment: {A: 2}", {"environment": {"A": 2, "B": None}}),
        ("environment:", "environment: [A=1]", {"environment": {"A": "1"}}),
        ("env_file: a", "env_file: [b]", {"env_file": ["a", "b"]}),
        (
            "depends_on: [db]",
            "depends_on: {cache: {condition: service_healthy}}",
            {"depends_on": {"db": None, "cache": {"condition": "service_healthy"}}},
        ),
        (
            "deploy: {resources: {limits: {cpus: 1}}}",
            "deploy: {resources: {limits: {memory: 1g}}}",
            {"deploy": {"resources": {"limits": {"cpus": 1, "memory": "1g"}}}},
        ),
        ("ports: [80]", "ports: !override [81]", {"ports": [81]}),
        ("ports: [80], image: a", "ports: !reset []", {"image": "a"}),
        ("environment: {A: 1, B: 2}", "environment: {A: !reset null}", {"environment": {"B": 2}}),
        ("labels: !reset null, ports: !override [80]", "", {"ports": [80]}),
        ("depends_on: 5", "depends_on: [db]", {"depends_on": {"db": None}}),
    ],
)
def test_a_later_file_adds_to_a_setting_or_replaces_it(
    base: str, over: str, both_say: dict[str, Any]
) -> None:
    assert both(base, over) == both_say


def test_services_are_added_and_taken_away() -> None:
    texts = (
        "services: {web: {image: a}, db: {image: postgres}, old: {image: o}}",
        "services: {db: !reset null, mail: {image: m}, old: null, odd: 5}",
        "volumes: {data: {}}",
        "services: {web: !override {image: b}}",
    )

    assert merged(map(parse_with_tags, texts)) == {
        "web": {"image": "b"},
        "old": {"image": "o"},
        "mail": {"image": "m"},
    }
