"""Stacks and generators in memory: a whole run, or a whole gate, in milliseconds.

A :class:`World` has a clock of its own and knows how fast a cell is. The stacks in it speak the
real protocols, so everything between them is the real thing.
"""

from tests.loadtests.fakes.child import ScriptedChild, says
from tests.loadtests.fakes.samples import finished_event, metrics_page, sample_bytes, status_page
from tests.loadtests.fakes.stack import FakeBackend, FakeStack, StackInMemory
from tests.loadtests.fakes.world import Order, World

__all__ = [
    "FakeBackend",
    "FakeStack",
    "Order",
    "ScriptedChild",
    "StackInMemory",
    "World",
    "finished_event",
    "metrics_page",
    "sample_bytes",
    "says",
    "status_page",
]
