"""Prometheus metrics of the classifier, made once in a composition root."""

from prometheus_client import CollectorRegistry, Info

from tunekin_classifier.manifest import Manifest

__all__ = ["ClassifierMetrics"]


class ClassifierMetrics:
    """What a classifier tells.

    Parameters
    ----------
    registry : prometheus_client.CollectorRegistry
        Where the metrics are exposed.

    Attributes
    ----------
    model : prometheus_client.Info
        Which mood model is in use: its version and its feature version.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.model = Info("tunekin_model", "Which mood model is in use.", registry=registry)
        self._told: Manifest | None = None

    def judged_by(self, manifest: Manifest) -> None:
        """Say which model is in use.

        Parameters
        ----------
        manifest : Manifest
            The model's.
        """
        if manifest is not self._told:
            self._told = manifest
            self.model.info({"version": manifest.version, "feature_version": manifest.feature_version})
