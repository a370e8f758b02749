"""The load generator: a child program built on Locust, driven by JSON lines.

The generator and the harness never import each other, because importing Locust patches the whole
process for gevent. ``docs/reference/generator-protocol.md`` describes their protocol.
"""

PROTOCOL = 1
"""Version of the protocol; 1 is the first."""
