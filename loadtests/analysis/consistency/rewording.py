"""A request that writes once more, with a word that no other request has. PURE.

What was written with a fixed text cannot be told from what was there before: each server may have
got it earlier. The text keeps its kind and about its length. Ids, dates, numbers, addresses and
what is chosen from a list are left as they are.
"""

from __future__ import annotations

import json
import random
import re
import unicodedata
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from loadtests.analysis.consistency.bodies import form, graphql
from loadtests.analysis.consistency.bodies.json_text import Place, key_of, leaves
from loadtests.analysis.consistency.conversation import UUID
from loadtests.analysis.consistency.normal_form import REPLACED
from loadtests.analysis.consistency.written import (
    ID_KEY,
    LONGEST_VALUE,
    content_of,
    content_type,
    literals_at,
)
from loadtests.analysis.shared.logins import is_login_path
from loadtests.model.tested.workload import RequestSpec

KEPT_KEY = re.compile(
    r"secret|token|csrf|nonce|captcha|signature|auth(?!or)|session|mail|phone|url|uri|href|type"
    r"|kind|status|locale|currency|country|method|operation|query$"
    r"|(^|_)(date|time|lang|role|unit|action)|(date|time|_at)$",
    re.IGNORECASE,
)
"""Keys whose values an application looks up, checks or sends something to."""

PASSWORD_KEY = re.compile(r"passw|pwd|passphrase|passcode", re.IGNORECASE)
"""Keys of a login or a registration: another name would be refused, or lock somebody out."""

MARKUP = re.compile(r"[<>{}@=]|://")
"""What a text has that is markup, a program, an e-mail's or another address."""

LETTERS = re.compile(r"[^\W\d_]+")
FEWEST_LETTERS = 4
FEWEST_IN_A_SENTENCE = 2
"""Letters of a word in a sentence, or of one that is not ASCII: a code such as EUR is ASCII."""

SHORTEST_WORD = 6
"""Letters of a new word: 64 million words, so that none is in a page by chance."""

ALPHABET = "bcdfghjklmnpqrstvwxz"
"""Without vowels, no word means anything."""

HEXADECIMAL = re.compile(r"(?=.*\d)(?=.*[a-f])[0-9a-f]{16,}")


@dataclass(frozen=True, kw_only=True)
class Rewording:
    """A request with a ``word`` of its own, in the place of ``old``."""

    request: RequestSpec
    word: str
    old: str


def rewordings(request: RequestSpec, rng: random.Random) -> tuple[Rewording, ...]:
    """Return the request with another word in one of its texts, each text in turn, longest first.

    There are none for a login, nor where a request has no text that may be changed.
    """
    if logs_in(request):
        return ()
    content = content_of(request)
    found = []
    for entry in sorted(_texts(content), key=lambda entry: (_is_id(entry.text), -len(entry.text))):
        if ID_KEY.search(entry.key) or KEPT_KEY.search(entry.key):
            continue
        changed = _changed(entry.text, rng)
        if changed is not None:
            new, old, word = changed
            request_now = with_content(request, put(content, entry.place, entry.whole(new)))
            found.append(Rewording(request=request_now, word=word, old=old))
    return tuple(found)


def logs_in(request: RequestSpec) -> bool:
    """Return whether a request is a login or a registration: by its path, or a password in it."""
    has_password = any(PASSWORD_KEY.search(entry.key) for entry in _texts(content_of(request)))
    return has_password or is_login_path(request.path)


@dataclass(frozen=True, kw_only=True)
class _Text:
    """A text at a place of a request; ``whole`` returns what stands there with another text."""

    place: Place
    key: str
    text: str
    whole: Callable[[str], str] = str


def _texts(content: Mapping[str, Any]) -> Iterator[_Text]:
    """Give the texts of a request: of a document of GraphQL, those inside it."""
    for place, text in leaves(content):
        if not isinstance(text, str):
            continue
        literals = literals_at(place, text)
        if literals is None:
            yield _Text(place=place, key=key_of(place), text=text)
        for literal in literals or ():
            whole = partial(graphql.with_text, text, literal)
            yield _Text(place=place, key=literal.key, text=literal.text, whole=whole)


def _changed(text: str, rng: random.Random) -> tuple[str, str, str] | None:
    """Return a text with another word, the old word and the new one; None to leave it alone."""
    if len(text) > LONGEST_VALUE or MARKUP.search(text):
        return None
    if UUID.fullmatch(text):
        new = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        return new, text, new
    if HEXADECIMAL.fullmatch(text):
        new = "".join(rng.choice("0123456789abcdef") for _ in text)
        return new, text, new
    masked = text
    for pattern, _ in REPLACED:
        masked = pattern.sub(lambda match: "0" * len(match[0]), masked)
    word = max(LETTERS.finditer(_marks_as_letters(masked)), key=_length, default=None)
    if word is None:
        return None
    old = text[word.start() : word.end()]
    is_short = len(text.split()) == 1 and old.isascii()
    if len(old) < (FEWEST_LETTERS if is_short else FEWEST_IN_A_SENTENCE):
        return None
    new = _new_word(old, rng)
    return f"{text[: word.start()]}{new}{text[word.end() :]}", old, new


def _length(match: re.Match[str]) -> int:
    return len(match[0])


def _marks_as_letters(text: str) -> str:
    """Return a text of the same length with a letter for each accent or vowel sign of its own.

    Words of Hindi or Thai have such signs.
    """
    if text.isascii():
        return text
    return "".join("a" if unicodedata.category(sign)[0] == "M" else sign for sign in text)


def _new_word(old: str, rng: random.Random) -> str:
    """Return letters in the case of the old ones, and at least as many."""
    new = "".join(rng.choice(ALPHABET) for _ in range(max(len(old), SHORTEST_WORD)))
    if old.isupper():
        return new.upper()
    return new.capitalize() if old[0].isupper() else new


def _is_id(text: str) -> bool:
    return bool(UUID.fullmatch(text) or HEXADECIMAL.fullmatch(text))


# -- the texts of a request -----------------------------------------------------------------------


def with_content(request: RequestSpec, content: Mapping[str, Any]) -> RequestSpec:
    """Return a request that writes this, in the form of ``written.content_of``."""
    body = request.body if content["body"] is None else content["body"]
    if not isinstance(body, str | None):
        is_form = content_type(request) == form.TYPE
        body = form.encoded(body) if is_form else json.dumps(body, ensure_ascii=False)
    return replace(
        request,
        query=content["query"],
        form=content["form"],
        json=content["json"],
        body=body,
    )


def put(value: Any, place: Place, text: str | int) -> Any:
    """Return a document with a text or a number in one place."""
    if not place:
        return text
    first, rest = place[0], place[1:]
    if isinstance(value, Mapping):
        return {**value, first: put(value[first], rest, text)}
    return [
        put(entry, rest, text) if index == first else entry for index, entry in enumerate(value)
    ]
