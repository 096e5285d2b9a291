"""The model card says what the report says."""

import msgspec
import pytest

from tunekin.messages import Label
from tunekin_training.card import model_card
from tunekin_training.label import TRAITS, Entry
from tunekin_training.report import MoodReport, Report

WORDS = Entry(
    where=dict.fromkeys((trait.name for trait in TRAITS), 0.0),
    label=Label(ko="노래 모음", en="Some songs"),
    description=Label(ko="소리.", en="Sound."),
)


@pytest.fixture
def report():
    mood = MoodReport(id=0, words=WORDS, tracks=15, artists=4, recall=0.5, typical=("a",))
    return Report(
        tracks=60,
        artists=20,
        licences={"CC0": 50, "CC-BY-4.0": 10},
        cuts_per_track=8,
        seed=7,
        epochs=9,
        divisions=3,
        metrics={"dnn_accuracy": 0.81234, "onnx_max_difference": 2.98e-7},
        moods=(mood,),
    )


def card(report, **changes):
    return model_card(report, **({"model_version": "m1", "about": "Own music.", "command": "python -m x"} | changes))


def test_the_card_holds_the_facts(report):
    text = card(report)
    for fact in (
        "# Mood model m1",
        "60 tracks by 20 artists",
        "Own music.",
        "| CC0 | 50 |",
        "8 random 6 s cuts",
        "| `dnn_accuracy` | 0.812 |",
        "| `onnx_max_difference` | 3.0e-07 |",
        "| 0 | 노래 모음 | Some songs | 25% | 4 | 50% |",
        "python -m x",
        "Apache License 2.0",
    ):
        assert fact in text


def test_what_is_unknown_is_left_out(report):
    silent = msgspec.structs.replace(report, licences={}, cuts_per_track=0)
    text = card(silent, about="")
    assert "licence of the track" not in text
    assert "6 s cuts of each" not in text
    assert "white noise" not in text
    assert "was not\n  measured" in text
    assert "\n\n\n" not in text
