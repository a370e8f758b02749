"""A hot row: all replicas update the same one, and hold it for a while."""

import os
import threading
import time

import psycopg
from flask import Flask

app = Flask(__name__)
LOCAL = threading.local()


def connection() -> psycopg.Connection[tuple[object, ...]]:
    if not hasattr(LOCAL, "connection"):
        LOCAL.connection = psycopg.connect(os.environ["DATABASE_URL"])
    kept: psycopg.Connection[tuple[object, ...]] = LOCAL.connection
    return kept


@app.get("/")
def index() -> str:
    with connection().transaction() as transaction:
        row = "UPDATE stock SET left_over = left_over - 1 WHERE id = 1"
        transaction.connection.execute(row)  # cause: gthread, sync
        time.sleep(0.03)
    return "sold"
