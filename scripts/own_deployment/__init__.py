"""A deployment that a command scales: containers of the sample application behind our nginx."""
