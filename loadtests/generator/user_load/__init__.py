"""The user's own load: lists of requests, and locustfiles as they are."""
