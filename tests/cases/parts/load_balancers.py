"""Load balancers and Compose files."""

from __future__ import annotations

from tests.cases.row import Row

PART = "Load balancers and Compose files"
SHARE = "tests/loadtests/analysis/rules/test_front_share.py"
USERS_FILE = "tests/compose/test_users_file.py"
READING = "tests/loadtests/environments/compose/tested/compose_file/test_reading.py"
PROJECT = "tests/loadtests/environments/compose/tested/compose_file/test_service_project.py"
RUNS = "tests/cases/test_runs.py"
APPLICATIONS = "tests/cases/applications.py"

ROWS = (
    Row(
        part=PART,
        case="name looked up once",
        expected='replica_share: "replica 2 got 0 of 4,210"; never no_gain',
        tests=(
            f"{SHARE}"
            "::test_a_name_that_was_looked_up_once_leaves_the_second_replica_without_requests",
            f"{RUNS}::test_the_users_nginx_that_leaves_a_replica_out_is_replica_share",
            f"{RUNS}::test_the_users_nginx_that_looks_names_up_again_passes_to_all",
        ),
        fixture=f"{APPLICATIONS}::PROXY_PASS",
    ),
    Row(
        part=PART,
        case="ip_hash",
        expected="replica_share, cause named",
        tests=(
            f"{SHARE}::test_balancing_by_address_is_named",
            f"{RUNS}::test_the_users_nginx_that_leaves_a_replica_out_is_replica_share",
        ),
        fixture=f"{APPLICATIONS}::IP_HASH",
    ),
    Row(
        part=PART,
        case="ejection",
        expected='invalid: "nginx put replica 1 aside for 10 s"',
        tests=(
            f"{SHARE}::test_a_replica_that_is_put_aside_now_and_then_is_told_with_the_time",
            "tests/cases/test_ejection.py"
            "::test_nginx_says_in_its_log_that_it_put_a_server_aside_and_that_is_counted",
        ),
        fixture="tests/cases/test_ejection.py::CONFIG",
    ),
    Row(
        part=PART,
        case="Socket.IO polling without stickiness",
        expected="breaks, with the remedy",
        tests=(
            "tests/cases/test_verdicts.py"
            "::test_socket_io_without_stickiness_breaks_with_the_remedy",
            f"{RUNS}::test_socket_io_polling_without_stickiness_breaks_with_the_remedy",
        ),
        fixture=f"{APPLICATIONS}::SOCKET_IO",
    ),
    Row(
        part=PART,
        case="container_name, ports, a range, a fixed address, deploy.replicas",
        expected="runs; what was left out is listed",
        tests=(
            f"{USERS_FILE}::test_what_two_replicas_cannot_have_is_left_out_and_told",
            f"{USERS_FILE}"
            "::test_a_service_with_all_of_that_starts_as_the_user_wrote_it_and_leaves_nothing",
            f"{PROJECT}::test_names_ports_addresses_and_restarts_are_left_out_and_told",
        ),
        fixture=f"{USERS_FILE}::test_what_two_replicas_cannot_have_is_left_out_and_told",
    ),
    Row(
        part=PART,
        case="network_mode: host",
        expected='2: "two replicas would share one port"',
        tests=(
            f"{USERS_FILE}::test_two_replicas_cannot_share_the_machines_network",
            f"{PROJECT}::test_two_replicas_cannot_share_a_network",
        ),
        fixture=f"{USERS_FILE}::test_two_replicas_cannot_share_the_machines_network",
    ),
    Row(
        part=PART,
        case="missing .env, profiles, extends, anchors, build args, secrets",
        expected="first cause named, with the file; others cannot stop the run; secrets hidden",
        tests=(
            f"{USERS_FILE}::test_the_first_thing_that_is_missing_is_named",
            f"{USERS_FILE}"
            "::test_a_variable_that_is_missing_is_told_with_the_example_of_an_env_file",
            f"{USERS_FILE}::test_a_service_that_the_measured_one_does_not_need_cannot_stop_the_run",
            f"{USERS_FILE}::test_profiles_anchors_and_extends_are_resolved",
            f"{READING}::test_a_missing_env_file_is_named_with_the_example_beside_it",
            f"{READING}::test_the_missing_file_of_a_secret_is_named",
            f"{PROJECT}::test_no_value_is_written_down",
        ),
        fixture=f"{USERS_FILE}::test_the_first_thing_that_is_missing_is_named",
    ),
)
