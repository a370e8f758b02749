"""Looks around in a folder for what can be tested: nothing is started but an import in a child."""
