"""A slow query: it reads a whole table, for there is no index."""

import os

import psycopg
from flask import Flask

app = Flask(__name__)
FREE: list[psycopg.Connection[tuple[object, ...]]] = []
"""Connections that no request uses."""


@app.get("/")
def index() -> str:
    query = "SELECT count(*) FROM items WHERE name = %s"
    connection = (
        FREE.pop() if FREE else psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    )
    row = connection.execute(query, ("no such thing",)).fetchone()  # cause: gthread, sync
    FREE.append(connection)
    return str(row)
