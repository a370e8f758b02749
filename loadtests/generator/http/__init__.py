"""The generator's own HTTP client, which needs little CPU."""
