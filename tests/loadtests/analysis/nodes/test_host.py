import pytest

from loadtests.analysis.nodes.host import host_use
from loadtests.model.stack import Reading
from tests.loadtests.analysis.raw_trials import a_host, a_reading, an_edge


def used(cpu_s: float, *, elsewhere: bool) -> tuple[Reading, Reading]:
    return (
        a_reading(cpu_s=10.0, elsewhere=elsewhere),
        a_reading(cpu_s=10.0 + cpu_s, elsewhere=elsewhere),
    )


@pytest.mark.parametrize(("elsewhere", "foreign"), [(False, 0.25), (True, 0.5)])
def test_what_replicas_elsewhere_used_is_not_taken_from_this_machines_cpu(
    *, elsewhere: bool, foreign: float
) -> None:
    before, after = used(1.0, elsewhere=elsewhere)
    opened = an_edge(before, host=a_host(100.0, idle_s=50.0))
    closed = an_edge(after, host=a_host(102.0, idle_s=52.0))

    use = host_use(opened, closed)

    assert use is not None
    assert use.foreign_ratio == pytest.approx(foreign)
