"""The versions of a user's own target: how each is built, started, and what serves it."""
