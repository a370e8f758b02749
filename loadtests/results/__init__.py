"""The run folder: the journal, reading it back, and exports."""
