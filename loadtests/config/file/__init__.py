"""The configuration file: its text, its keys, and all mistakes in it at once."""
