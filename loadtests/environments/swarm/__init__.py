"""The Swarm backend: a stack of services on the nodes of a Docker Swarm."""
