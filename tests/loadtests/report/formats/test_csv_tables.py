import csv
import io
from dataclasses import replace

from loadtests.report.formats import csv_tables
from tests.loadtests.builders import make_plan, make_result, make_trials

PLAN = make_plan(workers=('a,"b"',), replica_counts=(1, 2), rounds=2)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_trial_is_a_row_with_its_members_and_its_numbers() -> None:
    first = rows(csv_tables.trials(make_trials(PLAN)))[0]

    assert first["worker"] == 'a,"b"'
    assert (first["round"], first["position"], first["members"]) == ("1", "1", "1 2")
    assert (first["throughput_rps"], first["p99_ms"], first["set_aside"]) == ("100.0", "110.0", "")


def test_a_trial_without_a_success_has_empty_percentiles() -> None:
    silent = [replace(trial, latency=None) for trial in make_trials(PLAN)]

    assert rows(csv_tables.trials(silent))[0]["p50_ms"] == ""


def test_cells_and_doublings_carry_their_intervals() -> None:
    result = make_result(PLAN, make_trials(PLAN))

    assert float(rows(csv_tables.cells(result))[1]["speedup"]) == result.cells[1].speedup.estimate
    assert rows(csv_tables.doublings(result))[0].keys() >= {"from", "to", "factor", "factor_low"}


def test_nothing_measured_is_an_empty_text() -> None:
    assert csv_tables.trials(()) == ""
