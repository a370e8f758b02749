"""The load generator: a child program built on Locust, driven by JSON lines.

Nothing here imports the harness, and the harness imports nothing here: importing Locust patches
the whole process for gevent. How the two speak is told in ``docs/reference/generator-protocol.md``.
"""

PROTOCOL = 1
"""Version of the lines that are exchanged. 1: the first."""
