"""gunicorn and other servers."""

from __future__ import annotations

from tests.cases.row import Row

PART = "gunicorn and other servers"
IN_FORCE = "tests/loadtests/measurement/serving/test_in_force.py"
KEEP_ALIVE = "tests/loadtests/measurement/serving/test_keep_alive.py"
REAL = "tests/loadtests/servers/test_real_servers.py"
WORKERS = "tests/loadtests/analysis/rules/test_workers.py"
VERDICTS = "tests/cases/test_verdicts.py"

ROWS = (
    Row(
        part=PART,
        case="max_requests",
        expected="told; valid where every window has the same share, else invalid with the setting",
        tests=(
            f"{WORKERS}::test_workers_that_are_recycled_alike_in_every_trial_hold_and_are_told",
            f"{WORKERS}::test_a_recycle_now_and_then_makes_trials_unlike",
        ),
        fixture=f"{WORKERS}::identity",
    ),
    Row(
        part=PART,
        case="keep-alive 2 s behind a proxy that keeps 60 s",
        expected="no 502 at all: found out, and the proxy set below it",
        tests=(
            f"{KEEP_ALIVE}"
            "::test_an_image_that_closes_before_the_proxy_may_gets_a_new_connection_for_each_request",
            "tests/loadtests/servers/test_idle_connections.py",
            "tests/docker/test_targets.py"
            "::test_a_flask_application_in_an_image_of_its_own_gets_a_verdict",
        ),
        fixture="tests/docker/user_targets.py::SHOP",
    ),
    Row(
        part=PART,
        case="workers by cpu_count()",
        expected="note; in the gate too",
        tests=(
            f"{IN_FORCE}::test_a_number_of_processes_that_the_cores_decide_is_told",
            "tests/loadtests/gate/analysis/test_heading.py"
            "::test_what_was_noticed_of_a_server_is_told_with_its_version",
        ),
        fixture=f"{IN_FORCE}::test_a_number_of_processes_that_the_cores_decide_is_told",
    ),
    Row(
        part=PART,
        case="out of memory",
        expected="OOMKilled said, 3 or 4",
        tests=(
            "tests/docker/test_targets.py"
            "::test_what_the_image_may_not_do_is_exit_code_4_with_its_line_and_the_remedy",
            "tests/loadtests/environments/compose/tested/start/test_endings.py"
            "::test_a_replica_that_was_out_of_memory_is_told_so",
            "tests/cases/test_kills.py"
            "::test_a_process_that_is_killed_while_a_replica_runs_is_told_as_out_of_memory",
        ),
        fixture="tests/docker/test_targets.py::IN_A_BOX",
    ),
    Row(
        part=PART,
        case="waitress stops at its open connections",
        expected="no hang: idle connections bounded, or told",
        tests=(f"{REAL}::test_few_connections_and_many_users_do_not_hang",),
        fixture=f"{REAL}::options_of",
    ),
    Row(
        part=PART,
        case="granian's --backpressure 4",
        expected="the same",
        tests=(
            f"{REAL}::test_few_connections_and_many_users_do_not_hang",
            f"{KEEP_ALIVE}::test_few_connections_are_told",
        ),
        fixture=f"{REAL}::options_of",
    ),
    Row(
        part=PART,
        case="uWSGI: listen above somaxconn",
        expected="4 with its own line and the remedy",
        tests=(
            f"{REAL}::test_a_server_that_does_not_start_is_one_message_with_its_own_line"
            "[uWSGI, a queue above the system's]",
        ),
        fixture=f"{REAL}::options_of",
    ),
    Row(
        part=PART,
        case="uWSGI --http, one process, router beside it",
        expected="slots 1; the router's CPU belongs to the replica",
        tests=(
            "tests/cases/test_servers.py"
            "::test_uwsgi_with_its_router_has_one_slot_and_the_routers_cpu_is_the_replicas",
        ),
        fixture="tests/cases/test_servers.py::APP",
    ),
    Row(
        part=PART,
        case="uWSGI cheaper 1→8",
        expected='no crash: "1→8 processes by load; fix the number or warm up"',
        tests=(
            f"{IN_FORCE}::test_cheaper_leaves_slots_open_and_says_what_to_do",
            f"{WORKERS}::test_a_number_of_workers_that_follows_the_load_is_told_with_the_numbers",
        ),
        fixture=f"{WORKERS}::identity",
    ),
    Row(
        part=PART,
        case="PyPy before it is warm",
        expected="warmed until CPU per request is level, else steady",
        tests=(
            "tests/loadtests/measurement/serving/test_jit_warmup.py",
            f"{VERDICTS}::test_what_still_warms_up_in_the_rounds_is_unsteady",
        ),
        fixture="tests/loadtests/measurement/serving/test_jit_warmup.py::warmed",
    ),
    Row(
        part=PART,
        case="free-threaded Python with its GIL back on",
        expected='note: "the GIL is on"; asked inside the worker, after the load',
        tests=(
            "tests/loadtests/servers/test_interpreter.py"
            "::test_a_gil_that_came_back_is_told_with_the_module",
            "tests/loadtests/servers/test_interpreter.py"
            "::test_a_worker_without_a_gil_looks_for_it_under_load",
            "tests/loadtests/measurement/serving/test_troubles.py"
            "::test_a_gil_that_came_back_is_a_note_after_the_load",
        ),
        fixture="tests/loadtests/servers/test_interpreter.py::WARNING",
    ),
    Row(
        part=PART,
        case="development server, reloader",
        expected="note in the first lines; the reloader's polling is idle_cost",
        tests=(
            f"{IN_FORCE}::test_a_development_server_is_told_in_the_first_lines",
            f"{VERDICTS}::test_a_reloader_that_polls_is_seen_the_same_way",
        ),
        fixture="tests/cases/test_verdicts.py::idle",
    ),
)
