"""The web servers of asynchronous (ASGI) applications, one file each. PURE."""
