"""Small applications for real servers; the variable CASE chooses one, FOLDER is theirs to share."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

from flask import Flask, request, session

CASE = os.environ.get("CASE", "")
FOLDER = os.environ.get("FOLDER", "")

LIST: list[str] = []
"""What this process keeps."""


def create_app() -> Flask:
    """Return the application of this process."""
    app = Flask(__name__)
    app.secret_key = os.urandom(24) if CASE == "random_key" else "the same everywhere"
    if CASE == "drops_tables":
        with database() as connection:
            connection.execute("DELETE FROM notes")
    app.add_url_rule("/login", view_func=login, methods=["POST"])
    app.add_url_rule("/me", view_func=me)
    app.add_url_rule("/notes", view_func=write, methods=["POST"])
    app.add_url_rule("/notes/<int:number>", view_func=read)
    app.add_url_rule("/list", view_func=add, methods=["POST"])
    app.add_url_rule("/list", endpoint="list", view_func=lambda: LIST)
    app.add_url_rule("/healthz", view_func=lambda: "ok")
    return app


def login() -> str:
    session["user"] = request.form["user"]
    return "welcome"


def me() -> tuple[str, int]:
    return (session["user"], 200) if "user" in session else ("who are you?", 401)


def add() -> tuple[str, int]:
    LIST.append(request.form["text"])
    return "kept", 201


def database() -> sqlite3.Connection:
    name = os.environ["REPLICA"] if CASE == "own_file" else "shared"
    connection = sqlite3.connect(f"{FOLDER}/{name}.db", timeout=20)
    connection.execute("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT)")
    return connection


def write() -> tuple[dict[str, Any], int]:
    with database() as connection:
        row = connection.execute("INSERT INTO notes (text) VALUES (?)", [request.form["text"]])
        return {"id": row.lastrowid}, 201


def read(number: int) -> tuple[str, int]:
    with database() as connection:
        row = connection.execute("SELECT text FROM notes WHERE id = ?", [number]).fetchone()
    return (row[0], 200) if row else ("no such note", 404)
