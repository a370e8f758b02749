"""What paths of requests name: what was drawn for them, and the things that were written. PURE."""
