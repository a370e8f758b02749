"""The web servers that serve a target, one file each."""
