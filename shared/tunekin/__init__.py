"""Tunekin: music similarity and mood recommendation by sound alone.

This package holds what every service shares: messages and their codec, topics, errors, ports, the worker loop,
the local bus, settings, logs, metrics, the feature version and the catalogue. It knows no service.
"""

__version__ = "0.1.0"
