"""A logger that locks a shared file for each line."""

import fcntl
import logging
import os
import time
from pathlib import Path

from flask import Flask

app = Flask(__name__)
LOG = Path(os.environ["SHARED_LOG"])


class Shared(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        with LOG.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # cause: sync
            file.write(self.format(record) + "\n")
            file.flush()
            time.sleep(0.03)


shop = logging.getLogger("shop")
shop.setLevel(logging.INFO)
shop.propagate = False
shop.addHandler(Shared())


@app.get("/")
def index() -> str:
    shop.info("asked")  # cause: gthread
    return "done"
