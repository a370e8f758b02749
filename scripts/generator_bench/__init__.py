"""The parts of ``scripts/bench.py``: benchmark items, load generators and stub servers."""
