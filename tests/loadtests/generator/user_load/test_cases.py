"""The check trial of locustfiles of every kind, by the real generator against a small server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from loadtests.measurement.user_load.findings import notes_of, problems_of
from tests.loadtests.generator.child import Child
from tests.loadtests.generator.small_app import SmallApp
from tests.loadtests.generator.stub_server import stub_server
from tests.loadtests.generator.user_load import case_files, further_files, strange_files
from tests.loadtests.generator.user_load.case import Case

CASES: Mapping[str, Case] = {
    **case_files.CASES,
    **further_files.CASES,
    **strange_files.CASES,
}

pytestmark = [pytest.mark.slow, pytest.mark.parallel]  # the generator starts in a second or two


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child() as running:
        yield running


def checked(child: Child, case: Case, folder: Path) -> tuple[Mapping[str, Any], SmallApp]:
    for name, text in case.siblings.items():
        (folder / name).write_text(text)
    path = folder / "locustfile.py"
    path.write_text(case.file)
    app = SmallApp(**case.app)
    with stub_server(app.answering) as (url, _):
        facts = child.ask(
            op="check", id="c", base_url=url, locustfile={"path": str(path), **case.options}
        )
    return facts, app


@pytest.mark.parametrize("name", CASES)
def test_a_locustfile_gets_its_right_outcome_and_all_that_is_wrong_is_said(
    child: Child, name: str, tmp_path: Path
) -> None:
    case = CASES[name]
    facts, _ = checked(child, case, tmp_path)

    assert facts["event"] == "checked", facts
    problems = problems_of(facts)
    said = [*map(str, problems), *notes_of(facts)]
    assert min((problem.exit_code for problem in problems), default=0) == case.code, said
    assert [part for part in case.said if part not in "\n".join(said)] == [], said
    if not case.said:
        assert said == []
