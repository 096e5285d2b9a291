"""Name of the featurizer's stage; apart, so that naming it loads no signal processing."""

__all__ = ["ROLE"]

ROLE = "featurizer"
