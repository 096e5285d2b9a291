"""What was compiled once is only loaded by the next process."""

import os
import subprocess
import sys

WARM_UP = """
import sys
from numba.core import event
from tunekin_ranker.warm import warm_up

compiled = event.RecordingListener()
event.register("numba:compile", compiled)
warm_up()
functions = {str(one.data["dispatcher"].py_func.__module__) for _, one in compiled.buffer}
sys.stdout.write(str(sum(name.startswith("tunekin") for name in functions)))
"""


def test_a_second_process_compiles_nothing():
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", WARM_UP], capture_output=True, text=True, check=True)
    assert done.stdout == "0"


ALIGN = """
import sys
import numpy as np
from tunekin_ranker.dtw import Clip, alignment_floors, exact_distances
from tunekin_ranker.packed import pack

for d in map(int, sys.argv[1:]):
    track = np.random.default_rng(d).normal(size=(30, d)).astype(np.float16)
    clip, tracks, rows = Clip(track[::2]), pack([track], coefficients=d), np.array([0])
    [distance], [floor] = exact_distances(clip, tracks, rows), alignment_floors(clip, tracks, rows)
    assert 0.99 * distance <= floor <= distance, (d, floor, distance)
"""


def test_what_several_processes_compiled_for_frames_of_several_sizes_is_told_apart(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for sizes in (["2"], ["5"], ["2", "5"]):
        subprocess.run([sys.executable, "-c", ALIGN, *sizes], env=environment, check=True)
