"""What gate.yaml holds every container to: the same as compose.yaml."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from loadtests.environments.compose.lanes import LANES
from loadtests.gate.plan import MOST_LANES
from tests.checkout import CHECKOUT
from tests.compose.test_compose_file import LABELS

FOLDER = CHECKOUT / "compose"
RUN: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
GATE: dict[str, Any] = yaml.safe_load((FOLDER / "gate.yaml").read_text(encoding="utf-8"))
STARTS = [f"{side}-{lane}" for side in ("base", "head") for lane in LANES]


def test_every_service_is_hardened_as_those_of_a_run_are() -> None:
    hardening = {key: value for key, value in RUN["x-hardened"].items() if key != "networks"}

    assert GATE["x-hardened"] == hardening
    for service in GATE["services"].values():
        for key, value in hardening.items():
            assert service[key] == value


@pytest.mark.parametrize("key", ["mem_limit", "pids_limit", "tmpfs"])
def test_starts_have_the_limits_of_a_runs_replicas(key: str) -> None:
    for start in STARTS:
        assert GATE["services"][start][key] == RUN["services"]["replica"][key]


def test_starts_differ_in_their_image_their_network_and_their_shared_folder_alone() -> None:
    own = {"image", "networks", "volumes"}
    services = [GATE["services"][start] for start in STARTS]

    assert all(
        {key: service[key] for key in service.keys() - own}
        == {key: services[0][key] for key in services[0].keys() - own}
        for service in services
    )
    for key in ("image", "networks"):
        assert len({str(service[key]) for service in services}) == 2


def test_each_lane_of_each_side_has_a_shared_folder_of_its_own() -> None:
    assert [GATE["services"][start]["volumes"] for start in STARTS] == [
        [f"{start}:/run/shared"] for start in STARTS
    ]
    assert set(GATE["volumes"]) == set(STARTS)
    assert len(LANES) == MOST_LANES


def test_what_starts_share_is_small_and_in_memory() -> None:
    for volume in GATE["volumes"].values():
        assert volume["driver_opts"]["type"] == "tmpfs"
        assert "size=1m" in volume["driver_opts"]["o"]
        assert volume["labels"] == LABELS


def test_no_network_leads_anywhere_else() -> None:
    for network in GATE["networks"].values():
        assert network["internal"] is True
        assert network["labels"] == LABELS


def test_no_network_has_starts_of_both_versions_and_none_has_starts_and_an_open_proxy() -> None:
    joined = {name: set(service["networks"]) for name, service in GATE["services"].items()}

    assert set(GATE["networks"]) == {"front", "base", "head"}
    for side in ("base", "head"):
        assert {frozenset(joined[f"{side}-{lane}"]) for lane in LANES} == {frozenset({side})}
    # The proxy listens in `front` alone; see ContainerStack.
    assert [name for name in joined if "front" in joined[name]] == [
        "proxy",
        "generator",
        "metronome",
    ]
