"""The campaign on second servers: its applications, its right outcomes, and its sums."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loadtests.config.file import place, reading
from loadtests.config.file.known import Known
from loadtests.model.errors import EnvironmentFailure
from scripts.second_server import __main__ as campaign
from scripts.second_server import broken_apps, gates, innocent_apps, innocents, rare, rows
from scripts.second_server.subjects import Subject
from tests.cases.parts import state, store

MOST_LINES = 15

KNOWN = Known(
    servers={"gunicorn": ("gthread", "sync", "gevent")},
    variants=("gthread", "sync", "gevent"),
    workloads=("own",),
)

TEXTS = {
    f"{module.__name__}.{name}": value
    for module in (broken_apps, innocent_apps)
    for name, value in vars(module).items()
    if name.isupper()
}

SUBJECTS = (
    *rows.of_processes(),
    *rows.of_compose(),
    *innocents.fixtures(),
    innocents.sample(),
    *rare.subjects(),
    *(subject for _, subject in gates.broken()),
)


@pytest.mark.parametrize("name", TEXTS)
def test_each_application_is_small_and_is_python(name: str) -> None:
    assert 0 < len(TEXTS[name].splitlines()) <= MOST_LINES
    compile(TEXTS[name], name, "exec")


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_each_configuration_can_be_read(subject: Subject, tmp_path: Path) -> None:
    campaign.files_of(tmp_path, subject.files, subject)

    placed = place.find((tmp_path / "twofold.toml").read_text(), file="twofold.toml")

    assert reading.read(placed, file="twofold.toml", known=KNOWN).checked().target == subject.target


def test_each_row_of_the_two_parts_is_run() -> None:
    names = {subject.name.partition(",")[0] for subject in SUBJECTS}
    # Nothing is measured of an application that does not come up: tests/cases/test_starts.py.
    wanted = {row.case for row in (*state.ROWS, *store.ROWS)} - {"boot loop"}

    assert wanted <= names


def subject_of(**fields: object) -> Subject:
    return Subject(name="one", files={}, verdicts=frozenset({"breaks"}), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdicts", "text", "is_right"),
    [
        (["breaks"], "refused by 2", True),
        (["scales", "breaks"], "refused by 2", True),
        (["breaks", "scales"], "refused by 2", False),
        (["breaks"], "nothing", False),
        (["invalid"], "refused by 2", False),
        ([], "refused by 2", False),
    ],
)
def test_a_row_is_right_by_its_last_doubling_and_its_words(
    verdicts: list[str], text: str, *, is_right: bool
) -> None:
    assert campaign.is_right(subject_of(said=("refused by",)), verdicts, text) is is_right


def test_the_words_of_another_worker_model_do_not_count() -> None:
    document = {
        "doublings": [
            {"worker": "gthread", "verdict": "breaks"},
            {"worker": "sync", "verdict": "breaks"},
        ],
        "probes": [{"worker": "gthread", "detail": "refused by 2"}],
        "invalid": [{"code": "errors", "cell": {"worker": "sync"}, "detail": "nothing"}],
        "cells": [],
        "failures": [],
        "profile_findings": None,
        "reason": "refused by 2",
        "run_id": "1",
    }
    subject = subject_of(said=("refused by",), workers=("gthread", "sync"))

    rows = [campaign.judged(subject, document, worker, 1.0) for worker in subject.workers]

    assert [row["right"] for row in rows] == [True, False]
    assert not any("disturbed" in row for row in rows)
    disturbed = {**document, "invalid": [{"code": "host_contention", "cell": None, "detail": ""}]}
    assert campaign.judged(subject, disturbed, "sync", 1.0)["disturbed"]


def test_a_smaller_doubling_may_not_be_what_the_largest_is() -> None:
    subject = subject_of(not_before=frozenset({"breaks"}))

    assert campaign.is_right(subject, ["scales", "breaks"], "")
    assert not campaign.is_right(subject, ["breaks", "breaks"], "")


def test_a_run_without_a_result_is_a_row_that_says_why() -> None:
    def tried(number: int) -> list[dict[str, Any]]:
        raise EnvironmentFailure("It ended with code 4.")

    assert campaign._or_why_not(tried, 1) == [{"right": False, "error": "It ended with code 4."}]


def test_what_must_never_come_out_is_wrong_at_any_doubling() -> None:
    (subject, *_) = innocents.fixtures()

    assert campaign.is_right(subject, ["scales", "inconclusive"], "")
    assert not campaign.is_right(subject, ["breaks", "scales"], "")


@pytest.mark.parametrize(
    ("verdict", "visible", "is_right"),
    [
        ("breaks", 0.0001, True),
        ("scales", 0.02, True),
        ("scales", 0.005, False),
        ("invalid", None, False),
    ],
)
def test_a_rare_fault_is_found_or_rarer_than_could_be_seen(
    verdict: str, visible: float | None, *, is_right: bool
) -> None:
    seen = {"visible_ratio": visible}

    assert rare.is_right(100, [verdict], seen) is is_right


def test_what_a_run_says_of_its_requests_is_kept() -> None:
    counts = [{"replicas": 1, "failed": 0, "total": 90}, {"replicas": 2, "failed": 3, "total": 80}]
    failures = [
        {"name": "GET /", "counts": [], "visible_ratio": {}},
        {"name": None, "counts": counts, "visible_ratio": {"2": 0.01}},
    ]

    seen = rare.seen_of({"failures": failures})

    assert seen == {"failed": 3, "total": 80, "visible_ratio": 0.01}


def test_what_is_there_is_not_run_again() -> None:
    sections = {"gates": campaign.SECTIONS["gates"]}
    every = list(campaign.missing(sections, []))
    (section, name, number, _), *_ = every

    left = list(campaign.missing(sections, [{"section": section, "case": name, "time": number}]))

    assert len(every) == 15
    assert len(left) == 14
    assert (name, number) not in {(each[1], each[2]) for each in left}


def test_an_application_of_others_is_a_folder_with_its_right_verdict() -> None:
    innocent, broken = campaign.others(
        ["httpbin=/srv/httpbin", "microblog=/srv/blog=breaks=app.db"]
    )

    assert innocent.folder == Path("/srv/httpbin")
    assert campaign.is_right(innocent, ["invalid"], "")
    assert not campaign.is_right(innocent, ["breaks"], "")
    assert campaign.is_right(broken, ["breaks"], "each has an app.db")
    assert not campaign.is_right(broken, ["breaks"], "")
    assert not campaign.is_right(broken, ["scales"], "each has an app.db")


def test_sums_are_by_section() -> None:
    table = [
        {"section": "rows", "right": True},
        {"section": "rare", "right": False},
        {"section": "rows", "right": True},
    ]

    assert campaign.sums(table) == {
        "rows": {"tried": 2, "right": 2},
        "rare": {"tried": 1, "right": 0},
    }
