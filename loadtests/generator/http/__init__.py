"""The lean HTTP client of the generator."""
