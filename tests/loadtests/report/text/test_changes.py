from dataclasses import replace

from loadtests.model.tested.target import SAMPLE
from loadtests.report.formats import html, markdown, run_json
from loadtests.report.text.changes import TITLE, changes
from tests.loadtests.builders import make_plan, make_result

NOTES = ("Port 8000 is used.", "<b> is left out.")
PLAN = replace(
    make_plan(), notes=("Left out: gevent.",), tested=replace(SAMPLE, notes=(*NOTES, NOTES[0]))
)


def test_notes_of_the_plan_and_of_the_target_are_told_once_each() -> None:
    assert changes(make_result(PLAN)) == ["Left out: gevent.", *NOTES]
    assert changes(make_result(make_plan())) == []


def test_every_format_has_them_in_one_block() -> None:
    result = make_result(PLAN)
    page = html.render(result, (), live=False)

    assert f"### {TITLE}\n\n- Left out: gevent.\n- Port 8000 is used." in markdown.render(result)
    assert f"<h2>{TITLE}</h2>" in page
    assert "<li>&lt;b&gt; is left out.</li>" in page
    assert f'"{NOTES[0]}"' in run_json.render(result)
    assert TITLE not in html.render(make_result(make_plan()), (), live=False)
