"""The tables of ``[tool.twofold]``: one file for each, with its keys and its checks."""
