"""What the scorecard takes clips of."""

import numpy as np
import pytest

from benchmarks.quality.conditions import CONDITIONS, begin_s
from tunekin.features import FEATURES

TRACK_S = 30.0


@pytest.mark.parametrize("condition", ["clean", "short2", "long10"])
@pytest.mark.parametrize("start_s", [0.0, 5.0, 21.0, 24.0])
def test_a_clip_begins_where_it_is_said_to(condition, start_s):
    rate = FEATURES.sample_rate_hz
    # Each sample says where in the track it is; noise 20 dB below moves that by a tenth.
    places_s = (np.arange(round(TRACK_S * rate)) / rate + 1.0).astype(np.float32)
    clip = CONDITIONS[condition](places_s, start_s, 0, None)  # type: ignore[arg-type]
    begun_s = float(np.median(clip[: rate // 10])) - 1.0
    assert begun_s == pytest.approx(begin_s(condition, start_s=start_s, track_s=TRACK_S), abs=0.5)
