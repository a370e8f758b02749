"""Lists of requests: their placeholders, their bytes, and the users that send them."""
