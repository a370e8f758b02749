"""What a Compose file says of its services, read as a text: stores, and what needs what."""
