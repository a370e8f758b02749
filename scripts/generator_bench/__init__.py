"""The parts of ``scripts/bench.py``: what is measured, by which programs, against which servers."""
