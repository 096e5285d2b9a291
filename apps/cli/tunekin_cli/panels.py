"""Panels that the help sorts the commands into."""

__all__ = ["CATALOGUE", "LISTEN", "SERVERS"]

LISTEN = "Listen and choose"
CATALOGUE = "Your catalogue and its moods"
SERVERS = "A distributed Tunekin"
