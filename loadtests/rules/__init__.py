"""The validity rules, one function each. PURE.

``load``: was the system loaded, fully and by a sound generator? ``system``: was it the planned
system, with the planned means? ``run``: did it stay the same from the first trial to the last?
"""
