import math
from collections import Counter
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.planning.rotation import rotation, rotations


def members_of(sets: tuple[tuple[int, ...], ...]) -> Counter[int]:
    return Counter(member for group in sets for member in group)


sizes = st.integers(1, 12).flatmap(lambda total: st.tuples(st.just(total), st.integers(1, total)))


@given(sizes, st.integers(0, 2**31))
def test_each_replica_is_used_equally_often_over_whole_passes(
    total_and_size: tuple[int, int], seed: int
) -> None:
    total, size = total_and_size
    one_pass = total // math.gcd(total, size)

    sets = rotation(total=total, size=size, rounds=2 * one_pass, rng=Random(seed))

    assert set(members_of(sets).values()) == {2 * one_pass * size // total}
    assert len(members_of(sets)) == total


@given(sizes, st.integers(1, 15), st.integers(0, 2**31))
def test_every_set_has_its_size_and_different_members_in_order(
    total_and_size: tuple[int, int], rounds: int, seed: int
) -> None:
    total, size = total_and_size

    sets = rotation(total=total, size=size, rounds=rounds, rng=Random(seed))

    assert len(sets) == rounds
    assert all(len(group) == size for group in sets)
    assert all(list(group) == sorted(set(group)) for group in sets)
    assert all(1 <= member <= total for group in sets for member in group)


@pytest.mark.parametrize("seed", range(20))
def test_six_rounds_take_every_pair_of_four_replicas_once(seed: int) -> None:
    sets = rotation(total=4, size=2, rounds=6, rng=Random(seed))

    assert sorted(sets) == sorted(combinations(range(1, 5), 2))


@pytest.mark.parametrize("seed", range(20))
def test_four_rounds_take_each_of_four_replicas_alone_once(seed: int) -> None:
    sets = rotation(total=4, size=1, rounds=4, rng=Random(seed))

    assert sorted(sets) == [(1,), (2,), (3,), (4,)]


def test_all_replicas_are_always_the_same_set() -> None:
    assert set(rotation(total=4, size=4, rounds=5, rng=Random(1))) == {(1, 2, 3, 4)}


def test_the_order_is_random_and_the_seed_repeats_it() -> None:
    orders = {rotation(total=4, size=1, rounds=4, rng=Random(seed)) for seed in range(30)}

    assert len(orders) > 10
    assert rotation(total=4, size=1, rounds=4, rng=Random(3)) == rotation(
        total=4, size=1, rounds=4, rng=Random(3)
    )


@pytest.mark.parametrize("size", [0, 5])
def test_more_replicas_than_there_are_cannot_be_taken(size: int) -> None:
    with pytest.raises(ValueError, match=f"{size} replicas cannot be taken out of 4"):
        rotation(total=4, size=size, rounds=1, rng=Random(1))


@given(st.integers(0, 2**31))
def test_the_replica_of_a_round_is_one_of_its_pair(seed: int) -> None:
    by_size = rotations(total=4, sizes=(1, 2, 4), rounds=12, rng=Random(seed))

    for one, pair, every in zip(*(by_size[size] for size in (1, 2, 4)), strict=True):
        assert set(one) <= set(pair) <= set(every)
    assert set(members_of(by_size[1]).values()) == {3}
    assert set(members_of(by_size[2]).values()) == {6}
    assert len(set(by_size[2][:6])) == 6


@given(st.integers(1, 12), st.integers(1, 20), st.integers(0, 2**31))
def test_sets_within_one_another_are_as_balanced_as_others(
    total: int, rounds: int, seed: int
) -> None:
    sizes = [size for size in (1, 2, 3, 4, 8) if size <= total]

    by_size = rotations(total=total, sizes=sizes, rounds=rounds, rng=Random(seed))

    assert sorted(by_size) == sizes
    for size, sets in by_size.items():
        length = total // math.gcd(total, size)
        whole = members_of(sets[: rounds // length * length])
        assert len(sets) == rounds
        assert len(set(whole.values())) <= 1


def test_most_of_the_sets_of_eight_replicas_lie_within_one_another() -> None:
    nested = 0
    for seed in range(20):
        by_size = rotations(total=8, sizes=(1, 2, 4, 8), rounds=8, rng=Random(seed))
        for smaller, larger in ((1, 2), (2, 4), (4, 8)):
            pairs = zip(by_size[smaller], by_size[larger], strict=True)
            nested += sum(set(one) <= set(other) for one, other in pairs)

    assert nested >= 0.9 * 20 * 8 * 3
