"""A new mood model on real servers: clips are answered all the while, each by one model."""

import shutil
import threading
from pathlib import Path

import msgspec
import pytest

from tests.installation import clip_of, wait_for
from tunekin_classifier import manifest as manifests
from tunekin_classifier.settings import DEFAULT_MODEL


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """The shipped model under another name, with other words."""
    copy = Path(shutil.copytree(DEFAULT_MODEL, tmp_path / "trained"))
    manifest = manifests.parse((copy / "manifest.json").read_bytes())
    moods = tuple(
        msgspec.structs.replace(mood, label=msgspec.structs.replace(mood.label, en=f"new {mood.id}"))
        for mood in manifest.moods
    )
    changed = msgspec.structs.replace(manifest, version="second", moods=moods)
    (copy / "manifest.json").write_bytes(manifests.write(changed))
    return copy


def test_a_new_model_is_switched_to_while_clips_are_answered_each_by_one_model(installation, trained):
    clip = clip_of(installation.songs[0])
    shipped = manifests.parse((DEFAULT_MODEL / "manifest.json").read_bytes()).version
    pids = {name: worker.pid for name, worker in installation.workers.items()}
    answers = [installation.answer(clip)]
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            answers.append(installation.answer(clip, ce_scope="mood"))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        rolled_out = installation.command("reclassify", "--kafka", str(trained))
        assert rolled_out.returncode == 0, rolled_out.stderr + installation.said()
        wait_for(lambda: answers[-1]["versions"]["model"] == "second")
    finally:
        done.set()
        asking.join()
    assert {answer["status"] for answer in answers} == {"answered"}, installation.said()
    versions = [answer["versions"]["model"] for answer in answers]
    assert versions[0] == shipped
    # Once new, never old again; and the words are those of the model that the answer names.
    assert versions == sorted(versions, key=["second", shipped].index, reverse=True)
    for answer, version in zip(answers, versions, strict=True):
        assert answer["mood"]["label"]["en"].startswith("new ") == (version == "second")
    assert {name: worker.pid for name, worker in installation.workers.items()} == pids
    ((judged,),) = installation.query("SELECT COUNT(*) FROM track_moods WHERE model_version = 'second'")
    ((tracks,),) = installation.query("SELECT COUNT(*) FROM tracks")
    assert judged == tracks
    again = installation.command("reclassify", "--kafka", str(trained))
    assert again.returncode == 0
    assert "every song was judged already" in again.stderr
    # And back, for the tests that come after.
    assert installation.command("reclassify", "--kafka", str(DEFAULT_MODEL)).returncode == 0
    wait_for(lambda: installation.answer(clip)["versions"]["model"] == shipped)
