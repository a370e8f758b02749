"""Docker."""

from __future__ import annotations

from tests.cases.row import Row

PART = "Docker"
TARGETS = "tests/docker/test_targets.py"
LISTENING = "tests/loadtests/environments/compose/tested/start/test_listening.py"

ROWS = (
    Row(
        part=PART,
        case="EXPOSE 5000, bound 8000",
        expected="the bound port is found and used, note",
        tests=(
            f"{TARGETS}::test_the_port_that_answers_is_used_and_not_the_declared_one",
            f"{LISTENING}::test_the_bound_port_wins_over_the_declared_one_and_is_told",
        ),
        fixture=f"{TARGETS}::SHELL_FORM",
    ),
    Row(
        part=PART,
        case="binds 127.0.0.1",
        expected='4: "listens on 127.0.0.1:5000 …; bind 0.0.0.0"',
        tests=(
            f"{TARGETS}::test_an_image_that_does_not_come_up_is_exit_code_4_with_its_own_words",
            f"{LISTENING}::test_a_loopback_address_is_told_long_before_the_limit",
        ),
        fixture=f"{TARGETS}::SHELL_FORM",
    ),
    Row(
        part=PART,
        case="no CMD, CMD that ends at once",
        expected="4, last lines",
        tests=(
            f"{TARGETS}::test_an_image_that_does_not_come_up_is_exit_code_4_with_its_own_words",
            f"{TARGETS}"
            "::test_an_image_that_does_not_build_is_exit_code_4_with_the_step_and_the_first_error",
        ),
        fixture=f"{TARGETS}::SHELL_FORM",
    ),
    Row(
        part=PART,
        case="HEALTHCHECK without curl, every 5 min, start_period",
        expected="readiness is our own question over HTTP; HEALTHCHECK is off, note",
        tests=(f"{TARGETS}::test_the_images_own_check_of_health_is_off_and_told",),
        fixture=f"{TARGETS}::SHELL_FORM",
    ),
    Row(
        part=PART,
        case="shell-form CMD ignores SIGTERM",
        expected="all replicas down in one grace period, note",
        tests=(
            f"{TARGETS}::test_replicas_that_ignore_sigterm_go_down_in_one_grace_period_with_a_note",
        ),
        fixture=f"{TARGETS}::SHELL_FORM",
    ),
    Row(
        part=PART,
        case="code mounted over the image, in a gate",
        expected="2: base and head would be one version",
        tests=("tests/loadtests/gate/tested/test_mounted.py",),
        fixture="tests/loadtests/gate/tested/test_mounted.py::BASE",
    ),
    Row(
        part=PART,
        case="read-only root, other user, dropped capabilities, no room in /tmp",
        expected="the image is not changed silently; 4 with the line and the remedy",
        tests=(
            f"{TARGETS}"
            "::test_what_the_image_may_not_do_is_exit_code_4_with_its_line_and_the_remedy",
        ),
        fixture=f"{TARGETS}::IN_A_BOX",
    ),
    Row(
        part=PART,
        case="url_quote (old Flask, new Werkzeug), build step fails",
        expected="the first error line, the step",
        tests=(
            f"{TARGETS}::test_an_image_that_does_not_come_up_is_exit_code_4_with_its_own_words",
            f"{TARGETS}"
            "::test_an_image_that_does_not_build_is_exit_code_4_with_the_step_and_the_first_error",
            "tests/loadtests/tools/test_docker_images.py"
            "::test_the_step_and_the_first_error_of_a_build_are_found",
        ),
        fixture=f"{TARGETS}::SHELL_FORM",
    ),
)
