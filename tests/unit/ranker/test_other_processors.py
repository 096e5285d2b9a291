"""The loops as they are compiled for processors that lack what this one may have."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from llvmlite import binding

HERE = Path(__file__).parent
INTEL = platform.machine() in {"x86_64", "AMD64"}
PROCESSORS = {
    "plain": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "avx2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+popcnt,+sse4.2"},
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "processor",
    [
        "plain",
        pytest.param("avx2", marks=pytest.mark.skipif(not INTEL, reason="another family of processors")),
    ],
)
def test_floors_hold_on(processor, tmp_path):
    if processor == "avx2" and not binding.get_host_cpu_features().get("avx2"):
        pytest.skip("what is compiled for AVX2 cannot run here")
    tests = [f"{HERE / 'test_sketches.py'}", f"{HERE / 'test_lanes.py'}"]
    # These need two numbers of coefficients only, and each is compiled anew.
    chosen = "never_exceed or every_scale or never_off or once_more"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, *tests]
    environment = os.environ | PROCESSORS[processor] | {"NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(command, cwd=HERE.parents[2], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
