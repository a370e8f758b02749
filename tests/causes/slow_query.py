"""A slow query: it reads a whole table, for there is no index."""

import os
import threading

import psycopg
from flask import Flask

app = Flask(__name__)
LOCAL = threading.local()


def connection() -> psycopg.Connection[tuple[object, ...]]:
    if not hasattr(LOCAL, "connection"):
        LOCAL.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    kept: psycopg.Connection[tuple[object, ...]] = LOCAL.connection
    return kept


@app.get("/")
def index() -> str:
    query = "SELECT count(*) FROM items WHERE name = %s"
    row = connection().execute(query, ("no such thing",)).fetchone()  # cause: gthread, sync
    return str(row)
