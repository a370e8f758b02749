"""The check trial of a user's own load, and its answers given again."""
