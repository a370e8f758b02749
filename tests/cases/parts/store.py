"""The store."""

from __future__ import annotations

from tests.cases.row import Row

PART = "The store"
VERDICTS = "tests/cases/test_verdicts.py"
RUNS = "tests/cases/test_runs.py"
APPLICATIONS = "tests/cases/applications.py"

ROWS = (
    Row(
        part=PART,
        case="connections",
        expected='×1→×2 scales; ×2→×4 breaks: "20 of 20 in use, 32 wanted"',
        tests=(
            f"{VERDICTS}"
            "::test_connections_scale_to_two_replicas_and_break_at_four_with_the_arithmetic",
            f"{VERDICTS}::test_pools_that_idle_replicas_keep_do_not_hide_that_four_want_too_many",
            f"{RUNS}::test_connections_scale_to_two_and_break_at_four",
        ),
        fixture=f"{APPLICATIONS}::CONNECTIONS",
    ),
    Row(
        part=PART,
        case="pool time-out at one replica",
        expected="invalid: errors, cause named; never super-linear",
        tests=(
            f"{VERDICTS}::test_a_pool_time_out_at_one_replica_is_invalid_and_never_super_linear",
        ),
        fixture=f"{VERDICTS}::growing",
    ),
    Row(
        part=PART,
        case="one hot row",
        expected="no_gain, bottleneck store: row lock",
        tests=(
            f"{VERDICTS}::test_one_hot_row_is_no_gain_by_a_row_lock_while_the_stores_cpu_is_idle",
            f"{RUNS}::test_one_hot_row_is_no_gain_and_the_row_lock_is_named",
        ),
        fixture=f"{APPLICATIONS}::HOT_ROW",
    ),
    Row(
        part=PART,
        case="the same over 1000 rows",
        expected="scales",
        tests=(
            f"{VERDICTS}::test_the_same_over_a_thousand_rows_scales",
            f"{RUNS}::test_the_same_over_a_thousand_rows_scales",
        ),
        fixture=f"{APPLICATIONS}::HOT_ROW",
    ),
    Row(
        part=PART,
        case="one SQLite file shared by all",
        expected='short time-out: breaks, "database is locked"; long: no_gain, file lock',
        tests=(
            f"{VERDICTS}::test_one_sqlite_file_with_a_short_time_out_breaks",
            f"{VERDICTS}::test_one_sqlite_file_with_a_long_time_out_is_no_gain_by_its_lock",
            f"{RUNS}::test_one_sqlite_file_shared_by_all",
        ),
        fixture=f"{APPLICATIONS}::SQLITE",
    ),
)
