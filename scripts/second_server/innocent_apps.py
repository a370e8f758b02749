"""Applications whose answers differ for a harmless reason: at most 15 lines each."""

from __future__ import annotations

TIME_STAMPS = """\
import time
from datetime import datetime, timezone
from flask import Flask
app = Flask(__name__)

@app.get("/")
def index():
    return {"now": datetime.now(timezone.utc).isoformat(), "seconds": time.time()}
"""

RANDOM_IDS = """\
import uuid
from flask import Flask
app = Flask(__name__)

@app.get("/")
def index(): return {"id": str(uuid.uuid4()), "trace": uuid.uuid4().hex[:16], "name": "shoes"}

@app.post("/orders")
def order(): return {"order": str(uuid.uuid4())}, 201
"""

AB_TEST = """\
import random
from flask import Flask, request
app = Flask(__name__)

@app.get("/")
def index():
    side = request.cookies.get("side") or random.choice("AB")
    page = "<h1>Buy now!</h1>" if side == "A" else "<h2>Have a look at our new shoes</h2>"
    return page, {"Set-Cookie": f"side={side}"}
"""

ETAGS = """\
import os
from flask import Flask, make_response, request
app = Flask(__name__)

@app.get("/")
def index():
    response = make_response("the same page for everybody")
    response.set_etag(f"{os.getpid()}-{id(app)}")
    return response.make_conditional(request)
"""

SERVER_TIMING = """\
import os, time
from flask import Flask
app = Flask(__name__)

@app.get("/")
def index():
    start = time.perf_counter()
    total = sum(range(2000))
    took = 1000 * (time.perf_counter() - start)
    return {"sum": total}, {"Server-Timing": f"app;dur={took:.3f}", "X-Served-By": str(os.getpid())}
"""

METRICS = """\
import os
from flask import Flask
app, seen = Flask(__name__), {"hits": 0}

@app.get("/")
def index():
    seen["hits"] += 1
    return "a page"

@app.get("/metrics")
def metrics():
    text = f"process_id {os.getpid()}\\nhits_total {seen['hits']}\\n"
    return text, {"Content-Type": "text/plain"}
"""

GZIP = """\
import gzip, os
from flask import Flask, request
app = Flask(__name__)

@app.get("/")
def index():
    page = f"<!-- {os.urandom(8).hex()} -->" + "a long page " * 200
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return page
    return gzip.compress(page.encode()), {"Content-Encoding": "gzip"}
"""

CSRF = """\
import os
from flask import Flask, request, session
app = Flask(__name__)
app.secret_key = "the same everywhere"

@app.get("/form")
def form():
    session.setdefault("csrf", os.urandom(16).hex())
    return f'<input type="hidden" name="csrf_token" value="{session["csrf"]}">'

@app.get("/me")
def me():
    return f'hello <meta name="csrf-token" content="{session.get("csrf", os.urandom(16).hex())}">'
"""

SHUFFLED = """\
import random
from flask import Flask
app = Flask(__name__)
ITEMS = ["shoes", "hats", "coats", "socks", "gloves", "scarves"]

@app.get("/")
def index():
    shown = random.sample(ITEMS, len(ITEMS))
    return {"items": shown, "tags": {name: len(name) for name in shown}}
"""

WRITES = """\
import sqlite3
from flask import Flask, request
app = Flask(__name__)

def db(line, *values):
    with sqlite3.connect("notes.db", timeout=30) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        return connection.execute(line, values).fetchall()
db("CREATE TABLE IF NOT EXISTS notes (text TEXT)")

@app.route("/notes", methods=["GET", "POST"])
def notes():
    if request.method == "POST":
        return {"number": db("INSERT INTO notes VALUES (?) RETURNING rowid", request.form["text"])}
    return {"notes": db("SELECT rowid, text FROM notes ORDER BY rowid DESC LIMIT 5")}
"""
"""All servers share the file; its newest notes change all the time."""

METRICS_BY_PATH = """\
import collections
from flask import Flask, request
app, seen = Flask(__name__), collections.Counter()
app.before_request(lambda: seen.update([(request.method, request.path)]))

@app.post("/checkout")
@app.post("/items/<number>/buy")
def buy(number=""): return {"ok": True}, 201

@app.get("/metrics")
def metrics():
    text = 'http_requests_total{method="%s",path="%s"} %d\\n'
    return "".join(text % (*key, count) for key, count in sorted(seen.items()))
"""
"""Each process counts by path, as exporters for Prometheus do; nothing is written."""

METRICS_BY_LABEL = """\
import collections
from flask import Flask, request
app, seen = Flask(__name__), collections.Counter()
app.before_request(lambda: seen.update([(request.endpoint, (request.view_args or {}).get("n"))]))

@app.post("/items/<n>/buy")
def buy(n): return {"ok": True}, 201

@app.get("/metrics")
def metrics():
    text = 'http_requests_total{endpoint="%s",n="%s"} %d\\n'
    return "".join(text % (*key, count) for key, count in sorted(seen.items(), key=str))
"""
"""Each process counts by route, with a label for the parameter of it; nothing is written."""
