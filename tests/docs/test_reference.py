"""The parts of the reference that follow from the code are as the code has them."""

from __future__ import annotations

import re

import pytest

from loadtests.cli.registry import COMMANDS
from loadtests.model.vocabulary import RuleCode
from scripts import reference_pages


def test_the_reference_is_as_the_code_is(capsys: pytest.CaptureFixture[str]) -> None:
    code = reference_pages.main(["--check"])
    assert code == 0, (
        f"Write it anew: python3 scripts/reference_pages.py\n{capsys.readouterr().out}"
    )


def test_every_part_stands_in_a_page() -> None:
    pages = "".join(path.read_text() for path in reference_pages.PAGES.glob("*.md"))
    for name in reference_pages.PARTS:
        assert pages.count(f"<!-- generated: {name} -->") == 1


def test_a_part_is_replaced_and_the_rest_of_the_page_stays() -> None:
    page = "before\n<!-- generated: workloads -->\nold\n<!-- end -->\nafter\n"
    made = reference_pages.filled(page)
    assert made.startswith("before\n<!-- generated: workloads -->\n\n| workload |")
    assert made.endswith("\n<!-- end -->\nafter\n")
    assert "old" not in made
    assert reference_pages.filled(made) == made


def test_every_command_has_a_section_with_its_options() -> None:
    made = reference_pages.commands()
    for name in COMMANDS:
        assert f"## twofold {name}\n" in made
    assert "| `--target FLOAT` |" in made
    assert "## twofold gate calibrate\n" in made


def test_every_rule_has_what_holds_by_it_and_an_advice() -> None:
    rows = reference_pages.rules().splitlines()[2:]
    assert len(rows) == len(RuleCode)
    assert all(re.fullmatch(r"\| `\w+` \| [A-Z].+\. \| .+\. \|", row) for row in rows)


def test_a_bar_inside_a_cell_does_not_end_it() -> None:
    assert reference_pages.table(("a",), [("x | y",)]).endswith("| x \\| y |\n")


def test_a_records_types_are_linked() -> None:
    made = reference_pages.run_json()
    assert "| `verdict` | [Verdict](#verdict) |" in made
    assert "### Verdict\n" in made
