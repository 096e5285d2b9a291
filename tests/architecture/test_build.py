import subprocess
import sys
import zipfile

from tests.architecture.repository import ROOT, repository_files


def test_the_wheel_holds_every_file_of_every_package(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}
    below_packages = [path.relative_to(ROOT).parts for path in repository_files()]
    packaged = {
        "/".join(parts[start:])
        for parts in below_packages
        if parts[0] in {"shared", "services", "apps", "training"}
        for start, part in enumerate(parts[:-1])
        if part.startswith("tunekin")
    }
    assert "tunekin/__init__.py" in packaged
    assert shipped == packaged
