"""Applications and files of the rows that are whole runs, each of at most fifteen lines."""

from __future__ import annotations

LIMITER = """\
import time
from collections import deque
from flask import Flask
app, seen = Flask(__name__), deque()

@app.get("/")
def index():
    now = time.monotonic()
    while seen and now - seen[0] > 1:
        seen.popleft()
    if len(seen) >= 15:
        return "too many requests", 429
    seen.append(now)
    return "fine"
"""

SCHEDULER = """\
import threading, time
from flask import Flask
app = Flask(__name__)

def jobs():
    while True:
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass
        time.sleep(0.18)
threading.Thread(target=jobs, daemon=True).start()

@app.get("/")
def index(): return {"sum": sum(range(5000))}
"""

SQLITE = """\
import sqlite3, time
from flask import Flask
app = Flask(__name__)
with sqlite3.connect("shop.db", timeout=30) as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS notes (text TEXT)")

@app.route("/notes", methods=["GET", "POST"])
def notes():
    connection = sqlite3.connect("shop.db", timeout=TIMEOUT, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO notes VALUES ('a note')")
    time.sleep(0.05)
    connection.execute("COMMIT")
    return "kept"
"""

SOCKET_IO = """\
import os
from flask import Flask, request
app, sessions = Flask(__name__), set()

@app.get("/socket.io/")
def poll():
    known = request.args.get("sid")
    if known is None:
        sessions.add(sid := os.urandom(8).hex())
        return {"sid": sid, "pingInterval": 25000}
    if known not in sessions:
        return {"code": 1, "message": "Session ID unknown"}, 400
    return "2"
"""

SOCKET_IO_USERS = """\
from locust import FastHttpUser, task

class Chat(FastHttpUser):
    def connect(self):
        url = "/socket.io/?EIO=4&transport=polling"
        self.sid = self.client.get(url, name="open").json()["sid"]
    @task
    def poll(self):
        self.connect()
        url = f"/socket.io/?EIO=4&transport=polling&sid={self.sid}"
        self.client.get(url, name="/socket.io/ poll")
"""

DOCKERFILE = """\
FROM twofold/app:latest
COPY shop.py /srv/
CMD ["/venv/bin/gunicorn", "--bind", "0.0.0.0:5000", "--threads", "THREADS", "shop:app"]
"""

COMPOSE = """\
services:
  web: {build: ., depends_on: [db], expose: [5000], environment: {
    DATABASE_URL: "postgresql://twofold:secret@db:5432/postgres"}}
  db:
    image: twofold/store
    expose: [5432]
    tmpfs: ["/run/store:mode=1777"]
    environment: {STORE_FOLDER: /run/store, STORE_CONFIG: /etc/twofold/postgresql.conf,
      STORE_HOST: "*", STORE_PORT: "5432", STORE_PASSWORD: secret, STORE_CONNECTIONS: "20"}
"""

HOT_ROW = """\
import os, random, threading, psycopg
from flask import Flask
app, own, URL = Flask(__name__), threading.local(), os.environ["DATABASE_URL"]
with psycopg.connect(URL) as first:
    first.execute("CREATE TABLE IF NOT EXISTS stock (id int PRIMARY KEY, n int)")
    rows = "SELECT i, 0 FROM generate_series(1, ROWS) i ON CONFLICT DO NOTHING"
    first.execute(f"INSERT INTO stock {rows}")
@app.get("/")
def buy():
    if not hasattr(own, "db"):
        own.db = psycopg.connect(URL)
    with own.db.transaction():
        own.db.execute("UPDATE stock SET n = n - 1 WHERE id = %s", [random.randint(1, ROWS)])
        own.db.execute("SELECT pg_sleep(0.1)")
    return "bought"
"""
"""The row is held for 100 ms, since replicas have a tenth of a core on a small machine."""

CONNECTIONS = """\
import os, psycopg
from flask import Flask
app = Flask(__name__)

@app.get("/")
def report():
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("SELECT pg_sleep(0.8)")
    return "done"

@app.get("/healthz")
def healthz(): return "ok"
"""

SMALL_MEMORY = """\
services:
  web: {build: ., expose: [5000], mem_limit: 120m}
"""

FRONT = """\
services:
  web: {build: ., expose: [5000]}
  nginx:
    image: twofold/proxy
    user: root
    entrypoint: [nginx, -g, "daemon off;"]
    volumes: ["./nginx.conf:/etc/nginx/nginx.conf:ro"]
    ports: ["8080:8080"]
    depends_on: [web]
"""

PROXIED = """\
from flask import Flask
app = Flask(__name__)

@app.get("/")
def index():
    return {"sum": sum(range(20_000))}
"""

_NGINX = """\
pid /tmp/nginx.pid;
error_log stderr warn;
events {}
http {
    BLOCKS
    server { listen 8080; location / { PASS } }
}
"""

PROXY_PASS = _NGINX.replace("BLOCKS", "").replace("PASS", "\n        proxy_pass http://web:5000;\n")

IP_HASH = _NGINX.replace(
    "BLOCKS", "upstream app {\n        ip_hash;\n        server web:5000;\n    }"
).replace("PASS", "\n        proxy_pass http://app;\n")

DYNAMIC = _NGINX.replace("BLOCKS", "\n    resolver 127.0.0.11 valid=2s;").replace(
    "PASS", "\n        set $web web;\n        proxy_pass http://$web:5000;\n"
)
