import io
import json
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from rich.text import Text

from loadtests.cli import output
from loadtests.cli.boundary import run_command_line
from loadtests.model import errors

REPORT = Path("results/a-run/report.html")


def test_a_document_stands_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    output.tell(as_json=True, document=lambda: "{}\n", text=lambda: "no", report=REPORT)

    assert capsys.readouterr() == ("{}\n", "")


def test_beside_the_text_the_report_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    output.tell(as_json=False, document=lambda: "no", text=lambda: "it scales", report=REPORT)

    assert capsys.readouterr() == ("it scales\n", f"Report: {REPORT}\n")


# -- text of others ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["GET /blog?id=[id]", "GET /files[/path]", "[red]:100: [/red]"])
def test_brackets_and_colons_of_a_plain_text_are_printed_as_they_are(
    capsys: pytest.CaptureFixture[str], text: str
) -> None:
    output.tell(as_json=False, document=lambda: "no", text=lambda: text)

    assert capsys.readouterr() == (f"{text}\n", "")


HOSTILE = "\x1b]0;owned\x07 \x9b31m \u202egnp.exe\n::stop-commands::x\n  ::error::y ##vso[task]"
SHOWN = "␛]0;owned␇ \ufffd31m \ufffdgnp.exe\n: :stop-commands::x\n  : :error::y ## vso[task]"


def test_what_is_printed_controls_no_terminal_and_no_ci(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with output.safe_streams():
        click.echo(HOSTILE)
        click.echo(HOSTILE, err=True)
        print(HOSTILE)

    assert capsys.readouterr() == (f"{SHOWN}\n" * 2, f"{SHOWN}\n")


def test_the_streams_are_themselves_again() -> None:
    before = sys.stdout, sys.stderr

    with output.safe_streams():
        assert sys.stdout is not before[0]

    assert (sys.stdout, sys.stderr) == before


@pytest.mark.parametrize("terminal", [True, False])
def test_a_table_controls_no_terminal_but_has_its_own_colours(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("TERM", "xterm")

    output.console().print(Text("\x1b]0;owned\x07 it scales", style="bold green"))

    printed = stream.getvalue()
    assert "␛]0;owned it scales" in printed  # rich itself leaves the bell out
    assert "\x1b]" not in printed
    assert ("\x1b[1;32m" in printed) is terminal


def test_progress_of_a_phase_controls_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from loadtests.cli.progress import open_progress

    with output.safe_streams(), open_progress() as progress:
        progress.say(HOSTILE)

    assert SHOWN in capsys.readouterr().err


def test_text_that_the_terminal_cannot_show_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)

    with output.safe_streams():
        click.echo("1 → 2 \x1b \udcff")

    stream.flush()
    assert stream.buffer.getvalue() == b"1 ? 2 ? ?\n"


def test_a_document_for_another_program_keeps_its_lines_but_no_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with output.safe_streams():
        output.write_document("::before { content: 'x' }\n\x1b[2J")

    assert capsys.readouterr().out == "::before { content: 'x' }\n␛[2J"


@pytest.mark.parametrize("word", ["\x1b[2Jx", "\udcff", "a\n::error::b"], ids=["esc", "byte", "ci"])
@pytest.mark.parametrize(
    "argv", [("report", "%"), ("run", "--workers", "%"), ("%",), ("run", "--rounds", "%")]
)
def test_a_message_with_somebodys_text_is_harmless(
    twofold: Any, argv: tuple[str, ...], word: str
) -> None:
    ended = twofold(*(part.replace("%", word) for part in argv), out=argv != ("%",))

    assert ended.code == errors.EXIT_USAGE
    assert "\x1b" not in ended.stderr
    assert "\n::" not in ended.stderr


def test_a_traceback_is_harmless(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def main(self, *_: object, **__: object) -> None:
            raise ValueError(HOSTILE)

    monkeypatch.setattr("loadtests.cli.boundary.cli", Broken())

    assert run_command_line([]) == errors.EXIT_INTERNAL
    printed = capsys.readouterr().err
    assert "ValueError" in printed
    assert "\x1b" not in printed
    assert "\n::" not in printed


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_table_and_a_document_on_a_terminal_of_ascii_are_no_failure(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, name, stream)
    err = name == "stderr"

    with output.safe_streams():
        output.console(stderr=err).print(Text("1→2: 1.97"))
        output.write_document('{"reason": "1→2 é"}\n', err=err)

    stream.flush()
    table, document = stream.buffer.getvalue().decode("ascii").splitlines()
    assert table == "1?2: 1.97"
    assert json.loads(document) == {"reason": "1?2 ?"}
    assert stream.errors == "strict"
