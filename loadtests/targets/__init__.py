"""What is tested, and how it is found."""
