"""Several machines' generators as one: the same protocol, spoken with each of them.

``python -m loadtests.generator.team`` is the harness's child, and asks the others. On each other
machine ``python -m loadtests.generator.team.listen`` waits for it, or a program is started there by
a command, such as ``docker exec``.
"""
