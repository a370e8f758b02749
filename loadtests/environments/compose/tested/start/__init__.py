"""The start of the user's containers: their order, their ports, and why they end."""
