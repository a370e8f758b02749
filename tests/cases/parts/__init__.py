"""The rows of the collection of cases, one file for each part."""
