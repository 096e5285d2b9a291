"""Words for moods: what people wrote where it fits, else words from evidence, never the same twice."""

from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.architecture.repository import ROOT
from tunekin.errors import SettingsError
from tunekin.features import FEATURES
from tunekin.messages import Label
from tunekin_training.label import TRAITS, Entry, LabelFile, describe, evidence, fitting, name_moods, parse, write

SHIPPED = ROOT / "training" / "labels" / "default.toml"
SPREADS = np.array([trait.spread for trait in TRAITS])
TEMPO, BRIGHTNESS = (
    next(i for i, trait in enumerate(TRAITS) if trait.name == name) for name in ("tempo_bpm", "brightness_hz")
)


def tracks(moods: int, *, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    chance = np.random.default_rng(seed)
    groups = np.arange(moods * 6) % moods
    return (
        chance.normal(0, 2, (moods, len(TRAITS)))[groups] + chance.normal(0, 0.2, (len(groups), 8))
    ) * SPREADS, groups


def entry(where: NDArray[np.float64], name: str) -> Entry:
    return Entry(
        where=dict(zip([trait.name for trait in TRAITS], where.tolist(), strict=True)),
        label=Label(ko=f"{name} 노래", en=f"{name} songs"),
        description=Label(ko=f"{name}.", en=f"{name}!"),
    )


@given(st.integers(2, 40), st.integers(0, 1_000))
@example(33, 681)
def test_no_two_moods_have_the_same_label(moods: int, seed: int) -> None:
    evidence_of_tracks, groups = tracks(moods, seed=seed)
    labels = [label for label, _ in describe(evidence_of_tracks, groups=groups)]
    assert len(labels) == moods
    for language in ("ko", "en"):
        assert len({getattr(label, language) for label in labels}) == moods


def test_words_say_what_sets_a_mood_apart() -> None:
    groups = np.repeat([0, 1], 10)
    evidence_of_tracks = np.zeros((20, len(TRAITS)))
    evidence_of_tracks[:, TEMPO] = np.where(groups == 0, 80, 160)
    evidence_of_tracks[:, BRIGHTNESS] = np.where(groups == 0, 3_000, 1_000)
    (slow, slow_description), (quick, quick_description) = describe(evidence_of_tracks, groups=groups)
    for label, phrases in (
        (slow, (TRAITS[TEMPO].low, TRAITS[BRIGHTNESS].high)),
        (quick, (TRAITS[TEMPO].high, TRAITS[BRIGHTNESS].low)),
    ):
        assert any(phrase.en_that in label.en and phrase.ko_that in label.ko for phrase in phrases)
    assert "80 beats" in slow_description.en
    assert "80BPM" in slow_description.ko
    assert all(word in quick_description.en.lower() for word in ("quick", "dark"))
    assert all(word in quick_description.ko for word in ("빠르", "어둑하"))


def test_what_listeners_felt_is_told_where_enough_of_them_were_asked() -> None:
    evidence_of_tracks, groups = tracks(2)
    joy = np.where(groups == 0, 0.9, 0.1)
    told = [text for _, text in describe(evidence_of_tracks, groups=groups, emotions={"joyful_activation": joy})]
    assert "joyful activation" in told[0].en
    assert "신나는 기분" in told[0].ko
    assert "joyful" not in told[1].en
    joy[2:] = np.nan
    untold = describe(evidence_of_tracks, groups=groups, emotions={"joyful_activation": joy})
    assert not any("joyful" in text.en for _, text in untold)


def test_an_emotion_that_the_scale_does_not_know_keeps_its_name() -> None:
    evidence_of_tracks, groups = tracks(2)
    told = describe(evidence_of_tracks, groups=groups, emotions={"흥": np.where(groups == 0, 0.9, 0.1)})
    assert "흥" in told[0][1].en


def test_the_words_of_people_follow_their_mood_to_whatever_number_it_has() -> None:
    evidence_of_tracks, groups = tracks(5)
    means = np.array([evidence_of_tracks[groups == mood].mean(axis=0) for mood in range(5)])
    entries = [entry(mean + 0.1 * SPREADS, str(mood)) for mood, mean in enumerate(means)]
    named = name_moods(evidence_of_tracks, groups=groups, entries=[entries[i] for i in (3, 0, 4, 1, 2)])
    assert [mood.label.en for mood in named] == [f"{mood} songs" for mood in range(5)]
    np.testing.assert_allclose([list(mood.where.values()) for mood in named], means)


def test_a_mood_that_nobody_described_gets_words_from_evidence() -> None:
    evidence_of_tracks, groups = tracks(3)
    means = np.array([evidence_of_tracks[groups == mood].mean(axis=0) for mood in range(3)])
    made = describe(evidence_of_tracks, groups=groups)
    named = name_moods(
        evidence_of_tracks, groups=groups, entries=[entry(means[1], "one"), entry(means[0] + 3 * SPREADS, "elsewhere")]
    )
    assert [mood.label for mood in named] == [made[0][0], Label(ko="one 노래", en="one songs"), made[2][0]]


def test_no_entries_fit_nothing() -> None:
    assert fitting(np.zeros((2, len(TRAITS))), entries=()) == [None, None]


def test_what_is_written_reads_the_same() -> None:
    written = LabelFile(
        about='Music "of" games,\nand other\\music.', mood=(entry(np.arange(len(TRAITS)) / 4, "밝은\t\x7f"),)
    )
    assert parse(write(written)) == written


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("tempo_bpm", "tempo"), "'tempo'"),
        (lambda text: text.replace("tempo_bpm = 0, ", ""), "are said"),
        (lambda text: text.replace("tempo_bpm = 0,", "tempo_bpm = nan,"), "nan"),
        (lambda text: text.replace("label.ko", "label.kr"), "can't be read"),
        (lambda text: text + "\n[[", "can't be read"),
    ],
)
def test_a_label_file_that_makes_no_sense_is_refused(change, message) -> None:
    text = write(LabelFile(mood=(entry(np.zeros(len(TRAITS)), "a"),))).decode()
    with pytest.raises(SettingsError, match=message):
        parse(change(text).encode())


def test_evidence_is_what_the_summary_says() -> None:
    summaries = np.random.default_rng(0).normal(size=(3, FEATURES.summary_size)).astype(np.float32)
    assert np.array_equal(evidence(summaries)[:, TEMPO], summaries[:, FEATURES.summary_names.index("tempo_bpm")])


def test_the_shipped_words_are_ten_and_lie_too_far_apart_to_be_mixed_up() -> None:
    shipped = parse(SHIPPED.read_bytes())
    assert len(shipped.mood) == 10
    assert len({mood.label.ko for mood in shipped.mood}) == len({mood.label.en for mood in shipped.mood}) == 10
    means = np.array([list(mood.where.values()) for mood in shipped.mood])
    assert fitting(means, entries=shipped.mood) == list(shipped.mood)
    # Numbered by the percussive share, so listed so too.
    shares = [mood.where["percussive_share"] for mood in shipped.mood]
    assert all(a <= b for a, b in pairwise(shares))


def test_the_shipped_model_speaks_the_shipped_words() -> None:
    model = ROOT / "services" / "classifier" / "tunekin_classifier" / "models" / "default"
    manifest = msgspec.json.decode(Path(model / "manifest.json").read_bytes())
    shipped = parse(SHIPPED.read_bytes())
    assert [mood["label"] for mood in manifest["moods"]] == [msgspec.to_builtins(mood.label) for mood in shipped.mood]
    card = (model / "README.md").read_text()
    assert manifest["version"] in card
    assert all(mood.label.ko in card and mood.label.en in card for mood in shipped.mood)
    assert f"| `dnn_accuracy` | {manifest['metrics']['dnn_accuracy']:.3f} |" in card
