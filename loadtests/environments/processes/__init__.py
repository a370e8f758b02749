"""The backend ``processes``: a stack of ordinary processes, without Docker."""
