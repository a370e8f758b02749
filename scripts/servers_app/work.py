"""A Flask application with two kinds of work: hashing, whose code is C, and loops of Python."""

import hashlib

from flask import Flask

app = Flask(__name__)

BLOCK = bytes(64)
HASHES = 20_000
NUMBERS = 2_500


@app.get("/hash")
def hashes() -> dict[str, str]:
    """Hash one block again and again."""
    digest = hashlib.sha256()
    for _ in range(HASHES):
        digest.update(BLOCK)
    return {"digest": digest.hexdigest()}


@app.get("/loops")
def loops() -> dict[str, int]:
    """Count primes by trial division: nothing but Python."""
    primes = 0
    for number in range(2, NUMBERS):
        divisor = 2
        while divisor * divisor <= number and number % divisor:
            divisor += 1
        primes += divisor * divisor > number
    return {"primes": primes}
