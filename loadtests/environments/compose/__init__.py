"""The Compose backend: a stack of containers."""
