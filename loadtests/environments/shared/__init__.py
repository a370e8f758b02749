"""What replicas share, looked at from outside: the sessions of stores, and locked files."""
