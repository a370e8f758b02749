"""The client of users' locustfiles: the API of Locust's two sessions on the generator's client."""
