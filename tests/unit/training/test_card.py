"""The model card says what the report says."""

import msgspec
import pytest

from tests.unit.training import reports
from tunekin_training.card import model_card


@pytest.fixture
def report():
    return reports.report()


def card(report, **changes):
    return model_card(report, **({"model_version": "m1", "about": "Own music.", "command": "python -m x"} | changes))


def test_the_card_holds_the_facts(report):
    text = card(report)
    for fact in (
        "# Mood model m1",
        "60 tracks by 20 artists",
        "Own music.",
        "| CC0 | 50 |",
        "8 random cuts of 3 to 15 s",
        "30 of the tracks",
        "| `dnn_accuracy` | 0.812 |",
        "| `onnx_max_difference` | 3.0e-07 |",
        "| 0 | 노래 모음 | Some <songs> | 25% | 4 | 50% |",
        "python -m x",
        "Apache License 2.0",
    ):
        assert fact in text


def test_what_is_unknown_is_left_out(report):
    silent = msgspec.structs.replace(report, licences={}, cuts_per_track=0, lens_felt=0)
    text = card(silent, about="")
    assert "licence of the track" not in text
    assert "random cuts" not in text
    assert "main axes" in text
    assert "telephone" not in text.replace("telephone lines", "")
    assert "was not\n  measured" in text
    assert "\n\n\n" not in text
    assert "lens of the shipped model" in card(msgspec.structs.replace(silent, lens_borrowed=True))
