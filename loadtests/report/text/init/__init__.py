"""The texts of `twofold init`."""
