"""What a person asked for, checked before it meets a machine."""
