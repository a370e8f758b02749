from __future__ import annotations

import json
import re
import tomllib

import jsonschema
import pytest

from loadtests.config.tables.schema import schema
from tests.checkout import CHECKOUT
from tests.loadtests.config.test_typing_errors import CONFIGURATION, WORD

PUBLISHED = CHECKOUT / "docs/reference/twofold.schema.json"
PAGE = CHECKOUT / "docs/reference/configuration.md"


def test_the_published_schema_is_the_one_of_the_tables() -> None:
    assert PUBLISHED.read_text() == schema(), (
        "The configuration changed: write docs/reference/twofold.schema.json anew from"
        " loadtests.config.tables.schema.schema()"
    )


def test_a_configuration_with_every_key_follows_the_schema() -> None:
    configuration = tomllib.loads(WORD.sub(r"\1", CONFIGURATION))

    jsonschema.validate(configuration, json.loads(schema()))
    every_key = {key for key in json.loads(schema())["properties"] if key not in configuration}
    # A run has one target, so the other forms and what only a service has are not beside it.
    assert every_key == {"app", "dockerfile", "image", "service", "through", "url"}


def test_the_pages_example_follows_the_schema() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)

    jsonschema.validate(tomllib.loads(example)["tool"]["twofold"], json.loads(schema()))


@pytest.mark.parametrize("text", ["targt = 'x'", "rounds = 1", "replicas = 4", "env = {A = 1}"])
def test_a_mistake_does_not_follow_the_schema(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), json.loads(schema()))


def test_every_example_follows_the_schema_of_its_key() -> None:
    document = json.loads(schema())
    kind = jsonschema.validators.validator_for(document)
    kind.check_schema(document)
    tables = (document, *document["$defs"].values())
    keys = [key for table in tables for key in table["properties"].values()]
    examples = [(key, example) for key in keys for example in key.get("examples", ())]

    assert examples
    for key, example in examples:
        kind({**key, "$defs": document["$defs"]}).validate(example)
