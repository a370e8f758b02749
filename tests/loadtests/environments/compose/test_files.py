"""What compose.yaml is given for a plan."""

from dataclasses import replace
from typing import Any

import pytest

from loadtests.environments.compose import files
from loadtests.environments.compose.images import Images
from tests.checkout import CHECKOUT
from tests.loadtests.builders import make_budget, make_plan

ROOT = CHECKOUT
IMAGES = Images(app="app:1", proxy="proxy:1", generator="generator:1", digests={})


def variables(built: Images = IMAGES, **budget: Any) -> dict[str, str]:
    plan = make_plan(budget=make_budget(**budget))
    return files.variables(plan, built, run="a-run")


@pytest.mark.parametrize(
    ("cores", "generator", "proxy"), [((0,), "0", "0"), ((0, 1), "0", "1"), ((), "", "")]
)
def test_generator_and_proxy_have_a_core_each_where_there_are_two(
    cores: tuple[int, ...], generator: str, proxy: str
) -> None:
    found = variables(service_cores=cores)

    assert (found["TWOFOLD_GENERATOR_CPUSET"], found["TWOFOLD_PROXY_CPUSET"]) == (generator, proxy)


def test_the_images_and_the_run_reach_the_compose_file() -> None:
    text = (ROOT / "compose/compose.yaml").read_text()

    found = variables(replace(IMAGES, store="store:1"))

    assert (found["TWOFOLD_APP_IMAGE"], found["TWOFOLD_RUN"]) == ("app:1", "a-run")
    assert all(f"${{{name}:-" in text for name in found)


def test_without_a_store_the_replicas_know_of_none() -> None:
    assert not [name for name in variables() if "STORE" in name or "DATABASE" in name]


def test_the_replicas_know_the_stores_address_and_a_password_of_this_run() -> None:
    built = replace(IMAGES, store="store:1")

    first, second = variables(built, store_cores=(0,)), variables(built)

    password = first["TWOFOLD_STORE_PASSWORD"]
    assert first["TWOFOLD_DATABASE_URL"] == f"postgresql://twofold:{password}@store:5432/postgres"
    assert password != second["TWOFOLD_STORE_PASSWORD"]
    assert (first["TWOFOLD_STORE_IMAGE"], first["TWOFOLD_STORE_CPUSET"]) == ("store:1", "0")
    assert first["TWOFOLD_STORE_CONNECTIONS"] == "56"
