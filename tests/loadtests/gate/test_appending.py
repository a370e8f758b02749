"""What a gate that cannot be continued is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.gate import appending
from loadtests.gate.model import Side, SideKind, SideName
from loadtests.gate.versions import Sides
from loadtests.model.errors import UsageError
from tests.loadtests.gate.analysis.test_history import a_gate
from tests.loadtests.gate.builders import make_side

BASE = make_side(SideName.BASE)


def refused(head: Side) -> str:
    """Return what is said to a gate with another head."""
    earlier = replace(a_gate(0.0), base=BASE, head=make_side(SideName.HEAD))
    with pytest.raises(UsageError) as raised:
        appending.check_same(earlier, Sides(base=BASE, head=head, differences=()))
    return str(raised.value)


def test_a_folder_that_was_built_anew_is_told_what_may_have_changed_it() -> None:
    tree = make_side(SideName.HEAD, kind=SideKind.PATH, digest="sha256:another")
    image = make_side(SideName.HEAD, digest="sha256:another")
    variables = make_side(SideName.HEAD, kind=SideKind.PATH, environment={"A": "1"})

    assert "Twofold's own results: put results/ into .dockerignore." in refused(tree)
    assert ".dockerignore" not in refused(image)
    assert ".dockerignore" not in refused(variables)
