from pathlib import Path

import pytest

from scripts.zoo.app.shared_counts import ROWS, SharedCounts


def test_each_replica_adds_to_its_own_counters_and_all_read_the_sum(tmp_path: Path) -> None:
    one, two = (SharedCounts(tmp_path / "counts", number) for number in (1, 2))

    one.add(3)
    two.add(3)
    two.add(3)
    two.add(4)

    assert [one.total(column) for column in (3, 4, 5)] == [3, 1, 0]
    assert (one.of_others(3), two.of_others(3)) == (2, 1)


def test_a_replica_that_starts_later_keeps_what_was_counted(tmp_path: Path) -> None:
    SharedCounts(tmp_path / "counts", 1).add(0)

    assert SharedCounts(tmp_path / "counts", ROWS).total(0) == 1


@pytest.mark.parametrize("replica", [0, ROWS + 1])
def test_a_replica_without_a_row_is_refused(tmp_path: Path, replica: int) -> None:
    with pytest.raises(ValueError, match=f"Replica {replica} has no row"):
        SharedCounts(tmp_path / "counts", replica)
