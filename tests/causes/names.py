"""A name that is looked up at every request, at a slow name server."""

import os
import socket

from flask import Flask

app = Flask(__name__)
SERVER = (os.environ["NAME_SERVER"], 53)
QUESTION = bytes.fromhex("4f1a010000010000000000000473686f7007696e7465726e616c0000010001")


def address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.settimeout(30)
        asked.connect(SERVER)
        asked.send(QUESTION)
        return asked.recv(512)[-4:].hex()  # cause: gthread, sync


@app.get("/")
def index() -> str:
    return address()
