"""Locustfiles."""

from __future__ import annotations

from tests.cases.row import Row

PART = "Locustfiles"
FILES = "tests/loadtests/generator/user_load"
CHECKED = (
    f"{FILES}/test_cases.py::test_a_locustfile_gets_its_right_outcome_and_all_that_is_wrong_is_said"
)
TRIALS = f"{FILES}/test_trials.py"
CASES = f"{FILES}/case_files.py::CASES"
CEILING = "tests/loadtests/analysis/ceilings/test_file_ceiling.py"


def _checked(case: str, expected: str, *names: str, tests: tuple[str, ...] = ()) -> Row:
    """Return a row whose check trials are named in ``case_files``."""
    ids = tuple(f"{CHECKED}[{name}]" for name in names)
    return Row(part=PART, case=case, expected=expected, tests=(*ids, *tests), fixture=CASES)


ROWS = (
    _checked(
        "wait_time",
        'left out and said, --keep-waits to keep them; never a flat "1.0"',
        "waits are left out",
        "a pace is a wait",
        "waits are kept",
    ),
    _checked("LoadTestShape", "ignored, said", "a shape is ignored"),
    _checked(
        "weights, several classes",
        "the same mix of names at ×1, ×2, ×4",
        tests=(f"{TRIALS}::test_classes_have_the_same_mix_at_every_number_of_users",),
    ),
    _checked("tags that leave no task", "2, naming the tags", "tags that leave no task"),
    _checked(
        "StopUser, runner.quit(), a wait for spawning_complete",
        "3 in the check trial, with the reason; never a hang",
        "StopUser",
        "runner.quit()",
        "a wait for spawning_complete",
    ),
    _checked("every task raises", "3 in the check trial, with the line", "every task raises"),
    _checked(
        "written for Locust before 1.0, a module that is missing",
        "2, with the remedy (--generator-requirements)",
        "written for Locust before 1.0",
        "a module that is missing",
    ),
    _checked(
        'sibling import, open("people.json")',
        "works: the file's folder is the working folder",
        "a sibling and a data file",
    ),
    _checked(
        "endless loop without a request",
        "watchdog, 3, the task named",
        "an endless loop without a request",
        "an endless loop that sleeps",
        tests=(f"{TRIALS}::test_a_task_that_computes_for_ever_is_ended_and_named",),
    ),
    _checked(
        "response.failure() on a 200, response.success() on a 404",
        "honoured",
        "failure() on a 200",
        "success() on a 404",
    ),
    _checked(
        "host in the class, also with a path",
        "overridden, said; the path is kept; none is needed",
        "a host with a path",
    ),
    _checked(
        "an absolute URL to elsewhere",
        "refused, nothing sent, 2",
        "an absolute URL to elsewhere",
        "another library to elsewhere",
        tests=(
            f"{FILES}/test_other_addresses.py"
            "::test_a_request_to_another_address_is_not_sent_and_ends_the_trial",
            f"{FILES}/test_other_addresses.py::test_no_way_to_another_address_is_open",
        ),
    ),
    _checked(
        "Secure cookie over http",
        '3 in the check trial: "--header X-Forwarded-Proto=https"',
        "a Secure cookie over http",
    ),
    _checked(
        "login in on_start",
        "never inside a window: users and cookies live across trials, or the window waits",
        "a login",
        tests=(
            f"{TRIALS}::test_users_log_in_once_before_the_window_and_keep_their_cookies",
            f"{TRIALS}::test_a_slow_login_does_not_reach_into_the_window",
        ),
    ),
    _checked(
        "CSRF token, gzip, redirects, cookies, JSON chains, 1 MB uploads",
        "work with HttpUser and FastHttpUser alike",
        "a form with a CSRF token",
        "a form with a CSRF token and FastHttpUser",
        "gzip, redirects, JSON chains and uploads",
        "the same with FastHttpUser",
        "headers, cookies and authentication",
    ),
    _checked(
        "registration from 4 generator processes",
        "no collisions: each process has its own index",
        tests=(f"{TRIALS}::test_users_register_once_also_with_several_processes[4]",),
    ),
    _checked(
        "/item/<random> without name=",
        "grouped by route or capped, said",
        tests=(
            f"{TRIALS}::test_many_ids_in_paths_are_one_name",
            "tests/loadtests/measurement/user_load/test_grouped_names.py",
        ),
    ),
    _checked(
        "the user's file is dear",
        'measured first; generator_saturated: "costs 2.1 ms of CPU a request"',
        tests=(
            f"{CEILING}::test_one_that_is_too_dear_is_refused_with_what_would_fit",
            f"{CEILING}::test_cells_near_the_ceiling_break_the_rule_of_the_generator",
            f"{TRIALS}"
            "::test_a_file_is_measured_against_a_static_answer_with_the_answers_of_its_check_trial",
        ),
    ),
)
