"""One module for each external program; only ``proc`` starts processes."""
