"""Twofold: does doubling the servers of a Flask application double its throughput?"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("twofold")
except (
    PackageNotFoundError
):  # a copied folder without its distribution, as in the generator's image
    __version__ = "0+unknown"
