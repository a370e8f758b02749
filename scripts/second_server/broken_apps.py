"""Applications that a second server breaks, as people write them: at most 15 lines each."""

from __future__ import annotations

RANDOM_KEY = """\
import os
from flask import Flask, request, session
app = Flask(__name__)
app.secret_key = os.urandom(24)

@app.post("/login")
def login():
    session["user"] = request.form["user"]
    return "welcome"

@app.get("/me")
def me():
    return (session["user"], 200) if "user" in session else ("who are you?", 401)
"""

LOGIN_PAGE = """\
import os
from flask import Flask, redirect, request, session
app = Flask(__name__)
app.secret_key = os.urandom(24)

@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        session["user"] = request.form["user"]
    return "<form>Who are you?</form>"

@app.get("/me")
def me():
    return session["user"] if "user" in session else redirect("/login")
"""

OWN_FILE = """\
import sqlite3
from flask import Flask, request
app = Flask(__name__)

def db(line, *values):
    with sqlite3.connect("FOLDER/notes.db", timeout=30) as connection:
        return connection.execute(line, values).fetchall()
db("CREATE TABLE IF NOT EXISTS notes (text TEXT)")

@app.route("/notes", methods=["GET", "POST"])
def notes():
    if request.method == "POST":
        db("INSERT INTO notes VALUES (?)", request.form["text"])
        return "kept", 201
    return [text for text, in db("SELECT text FROM notes ORDER BY rowid DESC LIMIT 20")]
"""
"""In a container, ``FOLDER`` is that server's own."""

EMPTIED = OWN_FILE.replace("FOLDER/", "").replace(
    '(text TEXT)")', '(text TEXT)"); db("DELETE FROM notes")'
)
"""Each start empties the table that all share."""

SHARED_LIMITER = """\
import sqlite3
from flask import Flask
app = Flask(__name__)

def db(line):
    with sqlite3.connect("limit.db", timeout=30) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        return connection.execute(line).fetchone()
db("CREATE TABLE IF NOT EXISTS hits (second INTEGER PRIMARY KEY, n INTEGER)")

@app.get("/")
def index():
    hits, = db("INSERT INTO hits VALUES (unixepoch(), 1)"
               " ON CONFLICT DO UPDATE SET n = n + 1 RETURNING n")
    return ("too many requests", 429) if hits > 40 else "fine"
"""

POOL = """\
import threading, time
from flask import Flask
app, pool = Flask(__name__), threading.BoundedSemaphore(2)

@app.get("/")
def index():
    if not pool.acquire(timeout=0.05):
        raise TimeoutError("QueuePool limit of size 2 overflow 0 reached, connection timed out")
    time.sleep(0.1)
    pool.release()
    return "done"

@app.get("/healthz")
def healthz(): return "ok"
"""

MIGRATION = """\
import os, time, psycopg
from flask import Flask
app = Flask(__name__)
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    if connection.execute("SELECT to_regclass('items')").fetchone() == (None,):
        time.sleep(2)
        connection.execute("CREATE TABLE items (id int)")

@app.get("/")
def index(): return {"sum": sum(range(20_000))}
"""

RARE = """\
import os, random
from flask import Flask, request
app, name = Flask(__name__), os.environ.get("REPLICA", "")

@app.get("/")
def index():
    first = request.cookies.get("first", name)
    if first != name and random.random() < 2 / int(os.environ["ONE_IN"]):
        return "somebody else's page"
    return "your page", {"Set-Cookie": f"first={first}"}
"""
"""Of the answers at two replicas, half come from the other one: one in ``ONE_IN`` is wrong."""
