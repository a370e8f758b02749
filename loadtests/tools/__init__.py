"""One file for each program that is not ours; ``proc`` alone starts processes."""
