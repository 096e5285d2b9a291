"""The featurizer's topics and handler."""

from collections.abc import Iterator

import msgspec
import numpy as np
from threadpoolctl import threadpool_limits

from tunekin.errors import MessageError
from tunekin.features import FEATURES, FeatureVersion, frames_to_bytes, views_to_bytes
from tunekin.messages import Audio, Features, Withdrawal
from tunekin.service import Service
from tunekin_featurizer.featurize import featurize
from tunekin_featurizer.role import ROLE

__all__ = ["service"]

_WRITES = {"clips.audio": "clips.features", "tracks.audio": "tracks.features"}


def service(*, topics: tuple[str, ...], version: FeatureVersion = FEATURES) -> Service:
    """Make the featurizer, and have this process do linear algebra in one thread from now on.

    Products of matrices that threads divide come out different in the last digits, and features of a recording are to
    be the same in every process of a machine. More featurizers are what makes use of more processors.

    Parameters
    ----------
    topics : tuple of str
        ``clips.audio``, ``tracks.audio`` or both.
    version : FeatureVersion
        Which features.

    Returns
    -------
    Service
        Reads `Audio`, writes `Features`; passes `Withdrawal` on.
    """
    threadpool_limits(limits=1, user_api="blas")

    def handle(message: Audio | Withdrawal) -> Iterator[Features | Withdrawal]:
        if isinstance(message, Withdrawal):
            yield msgspec.structs.replace(message, before="classifier")
            return
        if message.sample_rate_hz != version.sample_rate_hz:
            msg = f"sound at {message.sample_rate_hz} Hz; feature version {version.name} takes {version.sample_rate_hz}"
            raise MessageError(msg, hint="ingest and featurizer have to be of one feature version")
        signal = np.frombuffer(message.pcm, dtype="<i2").astype(np.int16, copy=False)
        features = featurize(signal, version=version)
        yield Features(
            subject=message.subject,
            feature_version=version.name,
            frames=frames_to_bytes(features.frames),
            summary=tuple(features.summary.tolist()),
            views=views_to_bytes(features.views),
            trace=message.trace,
        )

    return Service(role=ROLE, topics=topics, handle=handle, writes=tuple(_WRITES[topic] for topic in topics))
