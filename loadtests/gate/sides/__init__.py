"""What is looked at of the versions of a gate: how they are named, and what they run."""
