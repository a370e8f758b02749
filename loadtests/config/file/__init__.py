"""The configuration file: its text, its lines, and all mistakes in it at once."""
