"""The processes backend: a stack of ordinary processes."""
