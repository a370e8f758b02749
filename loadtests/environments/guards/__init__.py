"""What keeps a run from leaving anything behind, and two runs from disturbing each other."""
