from dataclasses import replace

from loadtests.environments.external.stack import variables_of
from loadtests.model.tested.external import Hooks
from loadtests.model.tested.target import Target, TargetKind
from tests.loadtests.builders import make_plan

WEB = Target(kind=TargetKind.URL, given="web", name="web", url="http://Web.Example:8080")


def test_the_generator_is_told_the_header_the_address_and_its_part_of_the_limit() -> None:
    tested = replace(WEB, address="10.0.0.7", hooks=Hooks(header="X-Served-By"))
    plan = replace(make_plan(), tested=tested, max_rps=90.0, generator_processes=3)

    assert variables_of(plan) == {
        "TWOFOLD_REPLICA_HEADER": "X-Served-By",
        "TWOFOLD_ADDRESS": "web.example=10.0.0.7",
        "TWOFOLD_MAX_RPS": "30.0",
    }


def test_the_generator_is_told_nothing_that_nobody_set() -> None:
    assert variables_of(replace(make_plan(), tested=WEB)) == {}


def test_several_machines_share_the_limit() -> None:
    workers = ("10.0.0.5:8089", "10.0.0.6:8089")
    plan = replace(make_plan(), tested=WEB, max_rps=90.0, generator_workers=workers)

    assert variables_of(plan)["TWOFOLD_MAX_RPS"] == "45.0"
