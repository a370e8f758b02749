import io
from dataclasses import replace

import pytest
from rich.console import Console

from loadtests.cli import progress
from loadtests.cli.progress import LiveProgress, PlainProgress
from tests.loadtests.builders import make_plan, make_trials, noisy_rps

PLAN = make_plan(replica_counts=(1, 2), rounds=3)


class Closed(io.StringIO):
    """A stream that nobody reads any more."""

    tries = 0

    def write(self, _: str) -> int:
        self.tries += 1
        raise BrokenPipeError


def drawn(renderable: object) -> str:
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_plain_lines_begin_with_the_seconds_since_the_start() -> None:
    stream = io.StringIO()

    PlainProgress(stream).say("Building the image of the app")

    assert stream.getvalue() == "[    0 s] Building the image of the app\n"


def test_a_plain_line_ends_each_round_and_none_stands_between() -> None:
    stream, trials = io.StringIO(), make_trials(PLAN)
    plain = PlainProgress(stream)
    plain.planned(PLAN)

    counts = []
    for done in range(1, len(trials) + 1):
        plain.measured(trials[:done])
        counts.append(stream.getvalue().count("\n") - 1)

    assert counts == [0, 1, 1, 2, 2, 3]


def test_a_round_ends_also_where_precise_cells_are_left_out_of_it() -> None:
    plan = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2), rounds=12)
    calm, noisy = noisy_rps(spread=0.001), noisy_rps(spread=0.5)
    trials = make_trials(
        plan,
        rounds=7,
        rps=lambda spec: (calm if spec.cell.worker == "gthread" else noisy)(spec),
    )
    before = [trial for trial in trials if trial.spec.round <= 6]
    seventh = [
        trial for trial in trials if trial not in before and trial.spec.cell.worker == "sync"
    ]

    assert progress.ends_a_round(plan, before)
    assert not progress.ends_a_round(plan, [*before, seventh[0]])
    assert progress.ends_a_round(plan, [*before, *seventh])


def test_progress_goes_on_where_nobody_listens() -> None:
    closed = Closed()
    plain = PlainProgress(closed)

    plain.planned(PLAN)
    plain.measured(make_trials(PLAN, rounds=1))
    plain.close()

    assert closed.tries == 2


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "2 cells, 4 to 12 rounds (until ±4.0%), 2 to 7 min; seed 1"),
        ({"rounds_max": 4}, "2 cells, 4 rounds, 2 to 7 min; seed 1"),
        ({"rounds_max": 4, "expected_max_s": 150.0}, "2 cells, 4 rounds, 2.5 min; seed 1"),
    ],
)
def test_the_headline_says_how_much_there_is_to_do(fields: dict[str, float], line: str) -> None:
    assert progress.headline(replace(PLAN, **fields)) == line  # type: ignore[arg-type]


def test_the_position_counts_trials_and_the_time_that_is_left_at_most() -> None:
    trials = make_trials(PLAN, rounds=2, wall_s=30.0)

    told = progress.position(PLAN, trials)

    assert told == "Round 2, trial 4 of at most 24; at most 10.0 min left"


def test_the_time_that_is_left_has_what_passes_between_trials() -> None:
    """A deployment takes 50 s here until it has another number of replicas."""
    trials = [
        replace(trial, started_at_s=60.0 * number)
        for number, trial in enumerate(make_trials(PLAN, rounds=2, wall_s=10.0))
    ]

    assert progress.position(PLAN, trials).endswith("at most 15.8 min left")


def test_each_doubling_is_told_with_its_workload_and_interval() -> None:
    plan = make_plan(workloads=("cpu", "io"), replica_counts=(1, 2), rounds=3)

    one = progress.precision_so_far(plan, make_trials(plan, rounds=1))
    several = progress.precision_so_far(plan, make_trials(plan, rounds=3))

    assert one == "gthread cpu 1→2 2.00, gthread io 1→2 2.00"
    assert several == "gthread cpu 1→2 2.00 [2.00, 2.00], gthread io 1→2 2.00 [2.00, 2.00]"


def test_a_factor_that_is_not_known_yet_is_no_number() -> None:
    assert progress.precision_so_far(PLAN, ()) == "gthread cpu 1→2 ?"


def test_the_table_has_a_row_a_cell_with_a_spark_of_its_trials() -> None:
    trials = make_trials(PLAN, rps=noisy_rps(spread=0.1))

    lines = drawn(progress.table(PLAN, trials)).splitlines()

    assert [line.split()[:3] for line in lines[1:]] == [
        ["gthread", "cpu", "×1"],
        ["gthread", "cpu", "×2"],
    ]
    assert all(set(line.split()[-1]) <= set("▁▂▃▄▅▆▇█") for line in lines[1:])


@pytest.mark.parametrize(
    ("values", "blocks"),
    [
        ([], ""),
        ([5.0], "▄"),
        ([5.0, 5.0], "▄▄"),
        ([0.0, 0.0], "▄▄"),
        ([1.0, 2.0, 8.0], "▁▂█"),
        ([99.0, 101.0], "▄▅"),
    ],
)
def test_a_spark_goes_from_the_lowest_to_the_highest(values: list[float], blocks: str) -> None:
    assert progress.spark(values) == blocks


def test_a_long_run_stays_in_eighty_columns_with_its_last_trials() -> None:
    plan = make_plan(workers=("gthread", "gevent"), replica_counts=(1, 16), rounds=60)
    trials = make_trials(plan, rps=lambda spec: 12345.0 + (spec.round > 36) * 9999)

    lines = drawn(progress.table(plan, trials)).splitlines()

    assert len(lines) == 1 + 4
    assert max(map(len, lines)) <= 80
    assert {line.split()[-1] for line in lines[1:]} == {"▄" * 24}


class Terminal(io.StringIO):
    """A stream that says it is a terminal, or that it is none."""

    def __init__(self, *, is_one: bool) -> None:
        super().__init__()
        self._is_one = is_one

    def isatty(self) -> bool:
        return self._is_one


@pytest.mark.parametrize("is_one", [False, True])
def test_colours_that_are_asked_for_make_no_terminal_of_a_log(
    monkeypatch: pytest.MonkeyPatch, is_one: bool
) -> None:
    """A CI system sets FORCE_COLOR, and Rich takes it for a terminal."""
    stream = Terminal(is_one=is_one)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")

    with progress.open_progress() as shown:
        shown.say("Building the image of the app")

    assert (stream.getvalue() == "[    0 s] Building the image of the app\n") is not is_one


def a_live_display() -> tuple[LiveProgress, io.StringIO]:
    file = io.StringIO()
    return LiveProgress(Console(file=file, width=80, force_terminal=True, color_system=None)), file


def test_a_live_display_shows_the_phase_until_there_are_trials() -> None:
    live, file = a_live_display()
    live.planned(PLAN)
    live.say("Building the image of the app")
    live.close()

    assert "2 cells, 4 to 12 rounds" in file.getvalue()
    assert "Building the image of the app" in file.getvalue()


def test_a_live_display_shows_the_cells_and_how_far_it_is() -> None:
    live, file = a_live_display()
    live.planned(PLAN)
    live.measured(make_trials(PLAN, rounds=1))
    live.close()

    assert "gthread cpu ×2" in file.getvalue()
    assert "Round 1, trial 2 of at most 24" in file.getvalue()
