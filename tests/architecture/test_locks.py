import re
import tomllib
from functools import cache
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.repository import ROOT

LOCKS = ["apps", "dev", "torch", "train"]
PYTHONS = ["3.11", "3.12", "3.13"]


@cache
def lock_text(lock: str) -> str:
    return (ROOT / "locks" / f"{lock}.txt").read_text()


@cache
def entries(lock: str) -> tuple[tuple[Requirement, frozenset[str]], ...]:
    """What the lock names, each with its hashes."""
    logical = re.sub(r"^\s*#.*\n", "", lock_text(lock), flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return tuple(
        (Requirement(line.split(" --hash=")[0].strip()), frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})\b", line)))
        for line in logical
    )


def on_linux(python: str) -> dict[str, str]:
    here = {name: str(value) for name, value in default_environment().items()}
    return here | {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
    }


def pins(lock: str, python: str) -> dict[str, str]:
    """Version of each package that the lock installs for a Python on Linux."""
    applying = [entry for entry, _ in entries(lock) if entry.marker is None or entry.marker.evaluate(on_linux(python))]
    found: dict[str, str] = {
        canonicalize_name(entry.name): str(entry.specifier).removeprefix("==") for entry in applying
    }
    assert len(found) == len(applying), f"locks/{lock}.txt names a package twice for Python {python}"
    return found


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def requirements(*extras: str) -> list[Requirement]:
    """What the project and some of its extras ask for, extras that they name included."""
    asked = [Requirement(text) for text in project()["project"]["dependencies"]]
    for extra in extras:
        for requirement in map(Requirement, project()["project"]["optional-dependencies"][extra]):
            asked += requirements(*sorted(requirement.extras)) if requirement.name == "tunekin" else [requirement]
    return asked


def unmet(asked: list[Requirement], held: dict[str, str]) -> list[str]:
    return [
        str(requirement)
        for requirement in asked
        if not requirement.specifier.contains(held.get(canonicalize_name(requirement.name), "0"), prereleases=True)
        or canonicalize_name(requirement.name) not in held
    ]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(("extra", "locks"), [("apps", ["apps"]), ("dev", ["dev"]), ("train", ["train", "torch"])])
def test_a_lock_satisfies_what_pyproject_asks_for(extra, locks, python):
    held = {name: version for lock in locks for name, version in pins(lock, python).items()}
    assert unmet(requirements(extra), held) == []


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_of_the_apps_holds_the_build_backend(python):
    build = [Requirement(text) for text in project()["build-system"]["requires"]]
    assert unmet(build, pins("apps", python)) == []


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(("part", "whole"), [("apps", "dev"), ("dev", "train")])
def test_the_larger_environment_holds_the_smaller_one_in_the_same_versions(part, whole, python):
    assert pins(part, python).items() <= pins(whole, python).items()


@pytest.mark.parametrize("python", PYTHONS)
def test_torch_is_locked_by_itself(python):
    assert "torch" in pins("torch", python)
    assert pins("torch", python).keys() & pins("train", python).keys() == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_one_version_and_hashes(lock):
    assert entries(lock)
    assert [
        str(entry)
        for entry, hashes in entries(lock)
        if not hashes or not re.fullmatch(r"==[^,*]+", str(entry.specifier))
    ] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_says_nothing_about_where_packages_come_from(lock):
    lines = [line for line in lock_text(lock).splitlines() if not line.lstrip().startswith("#")]
    assert [line for line in lines if "/" in line or " @ " in line or re.match(r"\s*--(?!hash=)", line)] == []
    assert "://" not in lock_text(lock)
