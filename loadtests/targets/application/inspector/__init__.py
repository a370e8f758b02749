"""Imports an application in its own Python, and tells what it is. Stdlib only, for older Pythons.

The harness never imports this package. ``inspection`` packs it into one file, which the
application's interpreter runs in the project's folder. ``failure`` has all the sentences.
"""
