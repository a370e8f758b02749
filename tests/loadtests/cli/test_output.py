from pathlib import Path

import pytest

from loadtests.cli import output

REPORT = Path("results/a-run/report.html")


def test_a_document_stands_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    output.tell(as_json=True, document=lambda: "{}\n", text=lambda: "no", report=REPORT)

    assert capsys.readouterr() == ("{}\n", "")


def test_beside_the_text_the_report_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    output.tell(as_json=False, document=lambda: "no", text=lambda: "it scales", report=REPORT)

    assert capsys.readouterr() == ("it scales\n", f"Report: {REPORT}\n")
