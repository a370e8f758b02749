"""The external backend: a deployment that runs already, scaled by the user's commands."""
