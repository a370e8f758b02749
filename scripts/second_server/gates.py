"""Gates of a head that a second server breaks, and of versions that are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scripts.second_server import broken_apps, innocents
from scripts.second_server.rows import CONTAINER, NOTES
from scripts.second_server.subjects import LOGIN, Subject
from tests.cases import applications

REGRESSED = frozenset({"regressed"})
NO_REGRESSION = frozenset({"pass", "improved", "inconclusive", "invalid"})


def broken() -> Sequence[tuple[str, Subject]]:
    """Return base's text and head's subject of three changes."""
    in_container = broken_apps.OWN_FILE.replace("FOLDER", "/tmp")  # noqa: S108
    return (
        (
            broken_apps.RANDOM_KEY.replace("os.urandom(24)", '"one key"'),
            _gate("a random SECRET_KEY", broken_apps.RANDOM_KEY, "GET /me", start=(LOGIN,)),
        ),
        (
            IN_THE_COOKIE,
            _gate("a SQLite file in the container", in_container, *NOTES),
        ),
        (
            "from flask import Flask\napp = Flask(__name__)\n\n"
            '@app.get("/")\ndef index(): return "fine"\n',
            _gate("a limiter in memory", applications.LIMITER, "GET /"),
        ),
    )


IN_THE_COOKIE = """\
import sqlite3
from flask import Flask, request, session
app = Flask(__name__)
app.secret_key = "one key"

def db(line, *values):
    with sqlite3.connect("/tmp/notes.db", timeout=30) as connection:
        return connection.execute(line, values).fetchall()
db("CREATE TABLE IF NOT EXISTS notes (text TEXT)")

@app.route("/notes", methods=["GET", "POST"])
def notes():
    if request.method == "POST":
        session["notes"] = [request.form["text"]]
        db("INSERT INTO notes VALUES (?)", request.form["text"])
        return "kept", 201
    found = [text for text, in db("SELECT text FROM notes ORDER BY rowid DESC LIMIT 20")]
    return session.get("notes", found)
"""
"""Base writes the same, and keeps the note where every server finds it: with the user."""


def innocent() -> Sequence[tuple[str, Subject]]:
    """Return the fixtures, each as base and as head."""
    return tuple(
        (
            subject.files["shop.py"],
            replace(subject, files={**subject.files, **CONTAINER}, verdicts=NO_REGRESSION),
        )
        for subject in innocents.fixtures()
    )


def _gate(name: str, head: str, *requests: object, start: Sequence[object] = ()) -> Subject:
    return Subject(
        name=name,
        files={"shop.py": head, **CONTAINER},
        requests=requests,
        start=start,
        verdicts=REGRESSED,
        backend="compose",
    )
