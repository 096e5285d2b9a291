"""What was compiled once is only loaded by the next process."""

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
