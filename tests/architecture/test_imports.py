import importlib.metadata
import os
import subprocess
import sys

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.repository import ROOT, repository_files

# Alembic runs the first inside a migration; the training has an environment of its own.
OTHERWISE = ("/migrations/", "/tunekin_training/")

IMPORT_ALL = """
import importlib, logging, sys, threading

ours = tuple(sys.argv[1].split(":"))
effects = {
    "os.fork", "os.mkdir", "os.posix_spawn", "os.putenv", "os.remove", "os.rename", "os.rmdir", "os.system",
    "socket.bind", "socket.connect", "socket.getaddrinfo", "subprocess.Popen",
}


def ours_to_answer_for():
    frame = sys._getframe(2)
    while frame and "site-packages" not in frame.f_code.co_filename:
        if frame.f_code.co_filename.startswith(ours):
            return True
        frame = frame.f_back
    return False


def refuse(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if (writes or event in effects) and ours_to_answer_for():
        raise RuntimeError(f"importing does {event} {args!r}")


sys.addaudithook(refuse)
for name in sys.argv[2:]:
    importlib.import_module(name)
    assert threading.active_count() == 1, f"importing {name} starts threads: {threading.enumerate()}"
    assert not logging.getLogger().handlers, f"importing {name} configures logging"
"""


def module_names() -> list[str]:
    names = []
    for path in repository_files():
        parts = path.relative_to(ROOT).with_suffix("").parts
        start = next((i for i, part in enumerate(parts[:-1]) if part.startswith("tunekin")), None)
        if start is not None and path.suffix == ".py" and not any(place in path.as_posix() for place in OTHERWISE):
            names.append(".".join(part for part in parts[start:] if part != "__init__"))
    return names


def test_importing_any_module_has_no_effect():
    ours = ":".join(str(ROOT / name) for name in ("shared", "services", "apps", "deploy"))
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, ours, *module_names()],
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def closure(project: str, *extras: str) -> set[str]:
    """A project and everything that is installed with it."""
    found: set[str] = set()
    waiting = [Requirement(f"{project}[{','.join(extras)}]")]
    while waiting:
        one = waiting.pop()
        found.add(canonicalize_name(one.name))
        for line in importlib.metadata.requires(one.name) or ():
            needed = Requirement(line)
            asked = needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in ("", *one.extras)
            )
            if asked and canonicalize_name(needed.name) not in found:
                waiting.append(needed)
    return found


def test_a_publisher_needs_no_more_than_the_extra_kafka():
    needed = closure("tunekin", "kafka")
    others = [
        module
        for module, distributions in importlib.metadata.packages_distributions().items()
        if needed.isdisjoint(map(canonicalize_name, distributions))
    ]
    assert {"rich", "sqlalchemy"} <= set(others)
    code = "import sys; sys.modules.update(dict.fromkeys(sys.argv[1:])); import tunekin.client"
    done = subprocess.run([sys.executable, "-c", code, *others], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_command_that_hears_and_ranks_nothing_loads_nothing_for_that():
    code = "import sys, tunekin_cli.app; print(*sys.modules.keys() & set(sys.argv[1:]))"
    heavy = ["av", "faiss", "librosa", "numba", "opentelemetry", "scipy", "sklearn", "telegram"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
