"""What is advised for what pip, uv and Poetry really write."""

import pytest

from loadtests.targets.application import build_failure
from loadtests.targets.application.build_failure import (
    ASKS_FOR_PYTHON,
    NEEDS_COMPILER,
    NEEDS_GIT,
    OTHER_PYTHON,
)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("Error: pg_config executable not found.", NEEDS_COMPILER),
        ("OSError: mysql_config not found", NEEDS_COMPILER),
        ("Exception: Can not find valid pkg-config name.", NEEDS_COMPILER),
        ("error: command 'gcc' failed: No such file or directory", NEEDS_COMPILER),
        ("unable to execute 'x86_64-linux-gnu-gcc': No such file", NEEDS_COMPILER),
        ("you need a C compiler to build uWSGI", NEEDS_COMPILER),
        ("fatal error: Python.h: No such file or directory", NEEDS_COMPILER),
        ("error: command '/usr/bin/gcc' failed with exit code 1", OTHER_PYTHON),
        ("ERROR: Cannot find command 'git' - do you have 'git' installed?", NEEDS_GIT),
        ("Git executable not found. Ensure that Git is installed and available.", NEEDS_GIT),
        ("Package 'shop' requires a different Python: 3.13", ASKS_FOR_PYTHON),
        (
            "Current Python version (3.13.5) is not allowed by the project (^3.11,<3.13).",
            ASKS_FOR_PYTHON,
        ),
    ],
)
def test_a_package_that_needs_more_than_the_base_image_has_has_a_remedy_of_its_own(
    error: str, advice: str
) -> None:
    output = f"{error}\nERROR: Failed to build 'x' when getting requirements to build wheel"

    assert build_failure.advice(output) == advice


def test_another_cause_has_none() -> None:
    assert build_failure.advice("ERROR: No matching distribution found for flaskk") is None
