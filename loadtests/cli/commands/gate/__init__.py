"""``twofold gate`` and its own commands: one file each."""
