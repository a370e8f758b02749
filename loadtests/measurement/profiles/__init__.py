"""Looks into the requests of a run, after everything else is measured."""
