"""An application named by an import string: its interpreter, and what an import of it shows."""
