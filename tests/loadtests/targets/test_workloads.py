import pytest

from loadtests.targets.workloads import WORKLOADS, BuiltIn, named
from tests.checkout import CHECKOUT

LOCUSTFILES = CHECKOUT / "loadtests/generator/locustfiles"


def test_names_are_those_that_are_asked_for_by() -> None:
    assert [workload.name for workload in WORKLOADS.values()] == list(WORKLOADS)


@pytest.mark.parametrize("entry", WORKLOADS.values(), ids=WORKLOADS)
def test_a_workload_has_a_path_a_description_and_its_locustfile(entry: BuiltIn) -> None:
    assert entry.path.startswith("/")
    assert entry.about
    if entry.locustfile is not None:
        assert (LOCUSTFILES / f"{entry.locustfile}.py").is_file()


def test_a_plan_holds_what_requests_need() -> None:
    mixed = named("mixed")

    assert (mixed.name, mixed.scenario, mixed.needs_store) == ("mixed", "mixed", True)
