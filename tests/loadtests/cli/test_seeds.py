from loadtests.cli import seeds


def test_a_seed_that_was_asked_for_is_kept() -> None:
    assert seeds.draw(0) == 0
    assert seeds.draw(-3) == -3


def test_other_seeds_are_drawn_and_short_enough_to_type() -> None:
    drawn = {seeds.draw(None) for _ in range(5)}

    assert len(drawn) == 5
    assert all(0 <= seed < seeds.SEEDS for seed in drawn)
