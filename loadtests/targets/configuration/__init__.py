"""From the configuration file and the options to a project: target, variants, load, checks."""
