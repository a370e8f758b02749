"""State that does not survive a second replica."""

from __future__ import annotations

from tests.cases.row import Row

PART = "State that does not survive a second replica"
UNDECLARED = "tests/loadtests/measurement/consistency/test_undeclared.py"
ON_SERVERS = "tests/loadtests/measurement/consistency/test_on_servers.py"
BROKEN = "tests/loadtests/measurement/consistency/broken_apps.py"
SERVED = "tests/loadtests/measurement/consistency/served_app.py"
APPLICATIONS = "tests/cases/applications.py"

ROWS = (
    Row(
        part=PART,
        case="random SECRET_KEY",
        expected='breaks: "the cookie that replica 1 gave is refused by replica 2"',
        tests=(
            f"{UNDECLARED}::test_a_cookie_that_the_other_server_refuses_breaks",
            f"{ON_SERVERS}::test_a_random_key_breaks_with_every_worker_model",
        ),
        fixture=f"{BROKEN}::random_secret_key",
    ),
    Row(
        part=PART,
        case="the same with a login page",
        expected="breaks, though no status is an error",
        tests=(f"{UNDECLARED}::test_a_cookie_that_the_other_server_refuses_breaks",),
        fixture=f"{BROKEN}::random_key_and_login_page",
    ),
    Row(
        part=PART,
        case="the same with 4 workers in one replica",
        expected='breaks: "already between the processes of one server"',
        tests=(
            f"{UNDECLARED}::test_keys_of_processes_break_with_one_server_already",
            f"{UNDECLARED}::test_so_they_do_where_there_is_one_server_only",
        ),
        fixture=f"{BROKEN}::random_secret_key",
    ),
    Row(
        part=PART,
        case="SQLite in the container",
        expected="breaks; docker diff tells which file each replica keeps for itself",
        tests=(
            "tests/docker/test_consistency.py"
            "::test_a_database_in_the_container_breaks_and_its_file_is_named",
            f"{UNDECLARED}::test_what_one_server_wrote_into_its_own_file_breaks",
            f"{ON_SERVERS}::test_a_file_of_each_server_breaks_with_every_worker_model",
        ),
        fixture=f"{BROKEN}::notes_in",
    ),
    Row(
        part=PART,
        case="limiter in memory",
        expected='invalid: 429s, "counted per process"; never scales',
        tests=(
            "tests/cases/test_verdicts.py"
            "::test_a_limiter_in_memory_is_invalid_counted_per_process_and_never_scales",
            "tests/cases/test_runs.py::test_a_limiter_in_memory_is_invalid_and_counted_per_process",
        ),
        fixture=f"{APPLICATIONS}::LIMITER",
    ),
    Row(
        part=PART,
        case="limiter in a shared store",
        expected='invalid: "all users come from one address"',
        tests=(
            "tests/cases/test_verdicts.py"
            "::test_a_limiter_in_a_shared_store_is_invalid_all_users_come_from_one_address",
        ),
        fixture="tests/cases/test_verdicts.py::level",
    ),
    Row(
        part=PART,
        case="scheduler thread in each process",
        expected='idle_cost: "work that runs in every replica"',
        tests=(
            "tests/cases/test_verdicts.py"
            "::test_a_scheduler_in_each_process_is_work_that_runs_in_every_replica",
            "tests/cases/test_runs.py::test_a_scheduler_thread_is_work_that_runs_in_every_replica",
        ),
        fixture=f"{APPLICATIONS}::SCHEDULER",
    ),
    Row(
        part=PART,
        case="tables dropped by the entrypoint of every container",
        expected="breaks: what was written before the second replica's start is gone",
        tests=(
            f"{UNDECLARED}::test_tables_that_a_further_server_drops_break",
            f"{ON_SERVERS}::test_tables_that_each_start_empties_break_with_every_worker_model",
        ),
        fixture=f"{BROKEN}::tables_dropped_at_the_start",
    ),
    Row(
        part=PART,
        case="migration race",
        expected="started one after another the second time, with a note",
        tests=(
            "tests/loadtests/environments/compose/tested/start/test_starting.py"
            "::test_replicas_that_race_are_started_one_after_another_with_a_note",
            "tests/loadtests/environments/compose/tested/start/test_endings.py"
            "::test_only_an_error_of_its_own_may_be_a_race",
            "tests/compose/test_users_file.py"
            "::test_replicas_that_race_for_a_migration_are_started_one_after_another",
        ),
        fixture="tests/compose/test_users_file.py::RACE",
    ),
    Row(
        part=PART,
        case="boot loop",
        expected="4 after the start limit, quoting the line that repeats",
        tests=(
            "tests/loadtests/environments/compose/tested/start/test_endings.py"
            "::test_a_boot_loop_is_told_by_the_line_that_repeats",
            "tests/loadtests/measurement/test_not_ready.py"
            "::test_of_a_log_that_tries_again_and_again_the_line_is_told_with_its_number",
            "tests/cases/test_starts.py"
            "::test_a_boot_loop_is_exit_code_4_with_the_line_that_repeats",
        ),
        fixture="tests/cases/test_starts.py::BOOT_LOOP",
    ),
)
