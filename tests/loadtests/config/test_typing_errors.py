"""One wrong letter in a key or a name: the message has the right one."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator

from loadtests.config.file import place, reading
from loadtests.config.file.known import Known

TRIED = 200
RIGHT_SHARE = 0.95

KNOWN = Known(
    backends=("auto", "compose", "processes", "swarm"),
    servers={
        "gunicorn": ("gthread", "sync", "gevent"),
        "uwsgi": ("processes", "threads", "gevent"),
        "waitress": ("waitress",),
        "granian": ("granian",),
    },
    variants=("gthread", "sync", "gevent", "waitress", "granian"),
    workloads=("cpu", "io", "db", "mixed"),
)

CONFIGURATION = """\
<target> = "shop:create_app()"
<health> = "/healthz"
<port> = 8000
<env> = {DEBUG = "0"}
<pass-env> = ["PATH"]
<build-args> = {VERSION = "1.2"}
<build-target> = "production"
<python> = "python3.13"
<workers> = ["<gthread>", "<sync>", "<uwsgi>", "<waitress>"]
<replicas> = [1, 2]
<workload> = ["<browse>", "<shopping>"]
<rounds> = 8
<start-limit> = 300
<precision> = 0.04
<factor> = 1.8
<backend> = "<processes>"
<seed> = 7
<out> = "results"
<probe> = true
<latency> = true
<profile> = true
<slo> = "p99=250ms"
<generator-processes> = 2
<generator-workers> = ["10.0.0.5:8089"]
<tags> = ["read"]
<reset-command> = "flask init-db"
[<variants>.uwsgi]
<server> = "<uwsgi>"
<processes> = 4
<threads> = 2
<slots> = 8
<options> = "--backlog 64"
[variants.gthread-8]
server = "<gunicorn>"
<worker> = "<gthread>"
[variants.own]
<command> = "serve {<bind>} {app}"
[<workloads>.browse]
<requests> = ["3 <GET> /", "<DELETE> /items/{<item>}", "<OPTIONS> /"]
<start> = ["<POST> /login"]
<values> = {item = ["1", "2"]}
<waits> = true
[[workloads.buy.requests]]
<path> = "/cart"
<method> = "<PUT>"
<weight> = 3
<json> = {item = 7}
<headers> = {Accept = "text/html"}
<expect> = {<status> = 201, <contains> = "cart"}
[workloads.shopping]
<locustfile> = "locustfile.py"
<exclude-tags> = ["slow"]
<classes> = ["Visitor"]
<keep-waits> = true
<requirements> = "requirements.txt"
[[<checks>]]
<name> = "a login holds"
<kind> = "<value>"
<times> = 3
<write> = {method = "POST", path = "/login", <form> = {user = "ada"}}
<read> = {path = "/me", expect = 200}
[<external>]
<scale> = "scale {replicas}"
<ready> = "true"
<counters> = "cat"
<header> = "X-Served-By"
<limit-s> = 60
[<swarm>]
<builder> = "unix:///run/b.sock"
<encrypted> = true
<nodes> = {two = "ssh://two"}
[<gate>]
<margin> = 0.05
<max-minutes> = 8
<scaling> = true
<history> = true
"""
"""Every word in angle brackets is misspelt, one at a time."""

WORD = re.compile(r"<([\w-]+)>")


def misspellings(count: int) -> Iterator[tuple[str, str, str]]:
    """Texts with one wrong letter: the text, the wrong word and the right one."""
    rng = random.Random(19)
    lines = CONFIGURATION.splitlines(keepends=True)
    places = [
        (number, match)
        for number, line in enumerate(lines)
        for match in WORD.finditer(line)
        if len(match[1]) > 2
    ]
    for number, match in rng.choices(places, k=count):
        wrong = misspelt(match[1], rng)
        line = lines[number]
        changed = line[: match.start()] + wrong + line[match.end() :]
        text = "".join([*lines[:number], changed, *lines[number + 1 :]])
        yield WORD.sub(r"\1", text), wrong, match[1]


def misspelt(word: str, rng: random.Random) -> str:
    """A word with one letter left out, added, wrong, or in the place of the next."""
    letters = string.ascii_uppercase if word.isupper() else string.ascii_lowercase
    while True:
        at = rng.randrange(len(word))
        wrong = rng.choice(
            (
                word[:at] + word[at + 1 :],
                word[:at] + rng.choice(letters) + word[at:],
                word[:at] + rng.choice(letters) + word[at + 1 :],
                word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
            )
        )
        if wrong != word:
            return wrong


def told(text: str) -> str:
    """What is said of a text."""
    placed = place.find(text, file="twofold.toml")
    mistakes = reading.read(placed, file="twofold.toml", known=KNOWN).mistakes
    return "\n".join(f"{mistake.key}: {mistake.problem}" for mistake in mistakes)


def test_the_right_word_is_suggested_in_95_of_100_typing_errors() -> None:
    wrong = [
        (misspelling, word, said)
        for text, misspelling, word in misspellings(TRIED)
        if f"Did you mean {word}?" not in (said := told(text))
    ]

    assert len(wrong) <= (1 - RIGHT_SHARE) * TRIED, wrong


def test_without_a_typing_error_nothing_is_said() -> None:
    assert told(WORD.sub(r"\1", CONFIGURATION)) == ""
