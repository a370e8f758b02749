"""Campaigns that try to break a promise of the harness many times; see ``__main__``."""
