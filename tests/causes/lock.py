"""A global lock: one request at a time in each process."""

import threading
import time

from flask import Flask

app = Flask(__name__)
LOCK = threading.Lock()


@app.get("/")
def index() -> str:
    with LOCK:  # cause: gthread
        time.sleep(0.05)  # cause: sync
    return "done"
