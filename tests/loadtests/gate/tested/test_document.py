"""The Compose file of a stack with both versions of a user's own target."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.tested.document import document
from loadtests.gate.tested.prepared import Prepared
from loadtests.model.errors import UsageError
from loadtests.servers.server import Command
from loadtests.targets import plain
from loadtests.tools.docker.images import Image
from tests.checkout import CHECKOUT

AS_STARTED = plain.as_started()[plain.AS_STARTED]
MODELS = dict.fromkeys(SideName, AS_STARTED)


def prepared(side: SideName, *, secret: str = "hunter2", **changed: Any) -> Prepared:
    measured = Part(
        name="web",
        service="app",
        image=f"sha256:{side}",
        definition={
            "environment": {"TOKEN": "${TWOFOLD_VALUE_1}"},
            "volumes": [{"type": "volume", "source": "uploads", "target": "/srv/uploads"}],
        },
        hosts=("web",),
    )
    store = Part(name="db", service="with-db", image="postgres:16", hosts=("db",), is_store=True)
    migration = Part(
        name="migrate",
        service="with-migrate",
        image=f"sha256:{side}",
        definition={"depends_on": {"with-db": {"condition": "service_started"}}},
    )
    given: dict[str, Any] = {
        "measured": measured,
        "needs": (store, migration),
        "volumes": {"uploads": {}},
        "values": {"TWOFOLD_VALUE_1": f"{secret} of {side}"},
    }
    return Prepared(subject=Subject(**{**given, **changed}), image=Image(id=f"sha256:{side}"))


def made(**changed: Any) -> tuple[dict[str, Any], dict[str, str]]:
    versions = {side: prepared(side, **changed) for side in SideName}
    return document(
        CHECKOUT, versions, MODELS, lanes=2, memory_bytes=300_000_000, beside_bytes=2 * 10**9
    )


def test_each_version_has_a_service_in_each_lane_and_its_own_needs() -> None:
    services = made()[0]["services"]

    starts = {f"{side}-{lane}" for side in SideName for lane in "ab"}
    needs = {f"with-{side}-{name}" for side in SideName for name in ("db", "migrate")}
    assert set(services) == starts | needs | {"proxy", "generator", "metronome"}
    for side in SideName:
        assert services[f"{side}-a"]["image"] == f"sha256:{side}"
        assert services[f"{side}-a"]["networks"] == {side: {"aliases": ["web"]}}
        assert services[f"with-{side}-db"]["networks"] == {side: {"aliases": ["db"]}}
        assert services[f"with-{side}-migrate"]["depends_on"] == {
            f"with-{side}-db": {"condition": "service_started"}
        }


def test_each_container_of_a_version_has_limits_of_memory_and_processes() -> None:
    services = made()[0]["services"]

    for name, service in services.items():
        assert service["mem_limit"], name
        assert service["pids_limit"], name
    assert services["head-a"]["mem_limit"] == "300000000"
    assert services["with-head-db"]["mem_limit"] == "2000000000"


def test_versions_share_no_network_and_no_volume() -> None:
    text = made()[0]

    assert {"front", "base", "head"} == set(text["networks"])
    assert all(network["internal"] for network in text["networks"].values())
    assert set(text["volumes"]) == {"base-uploads", "head-uploads"}
    for side in SideName:
        (volume,) = text["services"][f"{side}-a"]["volumes"]
        assert volume["source"] == f"{side}-uploads"


def test_each_version_has_its_own_hidden_values_and_none_is_in_the_file() -> None:
    text, values = made()

    assert "hunter2" not in json.dumps(text)
    for side in SideName:
        source = text["services"][f"{side}-b"]["environment"]["TOKEN"]
        assert values[source[2:-1]] == f"hunter2 of {side}"


def test_an_image_is_started_as_it_is_with_limits_alone() -> None:
    service = made()[0]["services"]["head-a"]

    assert not {"user", "read_only", "cap_drop", "command", "entrypoint"} & set(service)
    assert service["healthcheck"] == {"disable": True}
    assert (service["mem_limit"], service["cpus"], service["restart"]) == ("300000000", "0", "no")


def test_a_variant_is_started_by_its_command() -> None:
    command = Command(argv=("gunicorn", "--workers", "2", "shop:app"), env={"A": "$1"})
    versions = {
        side: Prepared(
            subject=prepared(side).subject,
            image=Image(id="sha256:1"),
            commands={AS_STARTED.name: command},
        )
        for side in SideName
    }
    text, _ = document(CHECKOUT, versions, MODELS, lanes=1, memory_bytes=1, beside_bytes=1)

    assert text["services"]["base-a"]["command"] == list(command.argv)
    assert text["services"]["base-a"]["environment"]["A"] == "$$1"


def test_secrets_that_differ_are_refused_because_both_would_get_one() -> None:
    versions = {side: prepared(side, secrets={"key": {"environment": side}}) for side in SideName}

    with pytest.raises(UsageError, match="The secret key differs between base and head"):
        document(CHECKOUT, versions, MODELS, lanes=1, memory_bytes=1, beside_bytes=1)


def with_configs(text: str, used: Any) -> dict[str, Any]:
    """Give what changes a version so that its start has a config with this text."""
    measured = Part(name="web", service="app", image="web:1", definition={"configs": [used]})
    return {
        "measured": measured,
        "needs": (),
        "configs": {"nginx.conf": {"content": "${TWOFOLD_VALUE_1}"}},
        "values": {"TWOFOLD_VALUE_1": text},
    }


@pytest.mark.parametrize(
    ("used", "target"),
    [
        ("nginx.conf", "/nginx.conf"),
        ({"source": "nginx.conf"}, "/nginx.conf"),
        ({"source": "nginx.conf", "target": "/etc/nginx.conf", "mode": 292}, "/etc/nginx.conf"),
    ],
)
@pytest.mark.parametrize("of_head", ["listen 80;", "listen 8080;"])
def test_each_version_has_its_own_inline_configs_where_the_user_has_them(
    used: Any, target: str, of_head: str
) -> None:
    texts = {SideName.BASE: "listen 80;", SideName.HEAD: of_head}
    versions = {side: prepared(side, **with_configs(texts[side], used)) for side in SideName}

    text, values = document(CHECKOUT, versions, MODELS, lanes=1, memory_bytes=1, beside_bytes=1)

    for side in SideName:
        (entry,) = text["services"][f"{side}-a"]["configs"]
        assert entry["target"] == target
        variable = text["configs"][entry["source"]]["content"]
        assert values[variable[2:-1]] == texts[side]
