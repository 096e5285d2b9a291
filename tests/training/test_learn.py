"""What learns on folds, in processes of their own."""

import subprocess
import sys


def test_a_process_that_only_grows_trees_loads_no_pytorch():
    code = "import sys, tunekin_training.learn_trees; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout == b"False\n"
