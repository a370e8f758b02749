"""The user's own load on its way to the generator, and what is wrong with it."""
