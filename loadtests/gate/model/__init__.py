"""The frozen records of the gate; field names end in their unit, as in ``loadtests.model``. PURE.

A change is always one of the *performance*: a ratio above 1 (a logarithm above 0) is better for
every endpoint. 5 % more CPU per request is a change of −4.8 %.
"""
