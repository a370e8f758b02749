import pytest

from scripts import truth
from scripts.zoo.members import BY_NAME
from scripts.zoo.plans import Shape, plan_of
from tests.loadtests.builders import make_machine


def test_another_path_is_a_workload_of_its_own_in_every_cell() -> None:
    plan = plan_of(Shape(workload="io", path="/serial?ms=5"), make_machine(), seed=1)

    assert [(workload.name, workload.path) for workload in plan.workloads] == [
        ("serial", "/serial?ms=5")
    ]
    assert {cell.workload for cell in plan.cells} == {"serial"}
    assert {spec.cell for specs in plan.rounds for spec in specs} == set(plan.cells)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_member_has_a_plan_that_fits_two_cores(name: str) -> None:
    plan = plan_of(BY_NAME[name].shape, make_machine(), seed=3)

    # The store's case alone needs many rounds; it fits twice into what a run is given.
    assert plan.expected_s < (truth.RUN_LIMIT_S / 2 if name == "store-held" else 90)
    assert plan.rounds_max >= 4
