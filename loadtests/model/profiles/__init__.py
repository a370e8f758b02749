"""What was seen of requests while they ran: stacks, waits, and the store's sessions."""
