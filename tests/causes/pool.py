"""A connection pool of 2: in a process with more threads, they wait for one another."""

import os

from flask import Flask
from psycopg_pool import ConnectionPool

app = Flask(__name__)
POOL = ConnectionPool(os.environ["DATABASE_URL"], min_size=2, max_size=2, open=False, timeout=60)


@app.get("/")
def index() -> str:
    POOL.open()
    with POOL.connection() as connection:  # cause: gthread
        connection.execute("SELECT pg_sleep(0.1)")  # cause: sync
    return "done"
