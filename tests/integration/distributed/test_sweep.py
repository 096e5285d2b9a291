"""Blobs that nothing refers to are deleted; all others stay."""

import json
import os
import time
import uuid
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.installation import clip_of, new_key, spread

OLD_S = 2 * 3_600


@pytest.fixture
def blobs(installation) -> Path:
    return Path(unquote(urlsplit(installation.environment["TUNEKIN_BLOBS_ROOT"]).path))


def put(blobs: Path, value: bytes, *, age_s: float = OLD_S) -> Path:
    """Put a value some time ago, as programs of Tunekin name it."""
    blobs.mkdir(exist_ok=True)
    blob = blobs / uuid.uuid4().hex
    blob.write_bytes(value)
    when_s = time.time() - age_s
    os.utime(blob, (when_s, when_s))
    return blob


@pytest.mark.timeout(480)
def test_a_sweep_takes_what_nothing_refers_to(installation, blobs, test_music):
    song = next(file for file in spread(test_music.files, 11) if file not in installation.songs)
    key = new_key()
    orphan, young, foreign = put(blobs, b"orphan"), put(blobs, b"young", age_s=60), blobs / "notes.txt"
    foreign.write_text("not a blob")
    os.utime(foreign, (0, 0))
    buried = put(blobs, b"words, no sound " * 20)
    installation.publish([(f"{key} buried", None, {"ce_dataref": buried.as_uri()})], topic="catalog.ingest")
    installation.outcomes([f"{key} buried"], topic="catalog.outcomes")
    waiting = put(blobs, clip_of(song, start_s=15.0))
    installation.workers["decode-tracks"].stop()
    try:
        installation.publish([(f"{key} waiting", None, {"ce_dataref": waiting.as_uri()})], topic="catalog.ingest")
        dry = installation.command("blobs", "sweep", "--older-than", "1h", "--dry-run")
        assert "would be deleted" in dry.stdout, dry.stderr
        assert orphan.exists()
        assert "2 old ones are in use" in installation.command("blobs", "sweep", "--older-than", "1h").stdout
        assert not orphan.exists()
        assert all(blob.exists() for blob in (young, foreign, buried, waiting))
    finally:
        installation.start("decode-tracks")
    assert installation.outcomes([f"{key} waiting"], topic="catalog.outcomes")[f"{key} waiting"][0]["status"] == "added"
    # The letter still has what it refers to, until it is purged.
    letters = json.loads(installation.command("dlq", "list", "--json").stdout)
    (letter,) = [one["letter"] for one in letters if one["key"] == f"{key} buried"]
    installation.command("dlq", "purge", letter)
    assert not buried.exists()
    too_soon = installation.command("blobs", "sweep", "--older-than", "5m")
    assert too_soon.returncode == 2
    assert "may still be on their way" in too_soon.stderr
    for blob in (young, foreign):
        blob.unlink()
    installation.command("catalog", "remove", "--kafka", "--yes", f"{key} waiting")
