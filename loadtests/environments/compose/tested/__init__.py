"""The user's own target as containers: an image, a Dockerfile, or a service of a Compose file."""
