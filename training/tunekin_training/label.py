"""Put moods into words, from evidence: how their tracks sound, and what listeners felt.

Whoever knows the music writes the words into a file; each entry says where in the evidence it belongs, since the
numbers of moods change from run to run. A mood that no entry fits gets words made of the traits that set it apart.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tunekin.errors import SettingsError
from tunekin.features import FEATURES, FeatureVersion
from tunekin.messages import Label

__all__ = [
    "TRAITS",
    "Entry",
    "LabelFile",
    "Phrase",
    "Trait",
    "describe",
    "evidence",
    "fitting",
    "name_moods",
    "parse",
    "write",
]


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """How to say that music has much, or little, of something.

    Attributes
    ----------
    ko_stem : str
        Stem of a predicate, before ``고`` and ``다``.
    ko_that, en_that : str
        What such songs do, before 노래 and after "songs".
    en_adjective : str
        An adjective.
    """

    ko_stem: str
    ko_that: str
    en_adjective: str
    en_that: str


@dataclass(frozen=True, kw_only=True)
class Trait:
    """Something that a listener notices.

    Attributes
    ----------
    name : str
        What label files call it.
    column : str
        Its number in a summary.
    spread : float
        How much songs differ in it: its deviation over the music that the shipped model was trained on.
    high, low : Phrase
        Words for much and for little of it.
    """

    name: str
    column: str
    spread: float
    high: Phrase
    low: Phrase


TRAITS = (
    Trait(
        name="tempo_bpm",
        column="tempo_bpm",
        spread=34.0,
        high=Phrase(
            ko_stem="빠르", ko_that="발끝이 먼저 달려 나가는", en_adjective="quick", en_that="your feet answer first"
        ),
        low=Phrase(
            ko_stem="느긋하",
            ko_that="시간이 천천히 흐르는",
            en_adjective="unhurried",
            en_that="that slow the clock down",
        ),
    ),
    Trait(
        name="brightness_hz",
        column="centroid_hz_mean",
        spread=720.0,
        high=Phrase(ko_stem="밝", ko_that="눈앞이 환해지는", en_adjective="bright", en_that="that light up the room"),
        low=Phrase(
            ko_stem="어둑하", ko_that="불을 끄고 듣고 싶은", en_adjective="dark", en_that="to hear with the lights out"
        ),
    ),
    Trait(
        name="restlessness_hz",
        column="centroid_hz_std",
        spread=310.0,
        high=Phrase(
            ko_stem="변화가 많",
            ko_that="다음 순간이 궁금해지는",
            en_adjective="restless",
            en_that="that keep you guessing",
        ),
        low=Phrase(
            ko_stem="한결같", ko_that="가만히 곁을 지켜 주는", en_adjective="steady", en_that="that stay by your side"
        ),
    ),
    Trait(
        name="noisiness",
        column="zero_crossing_rate_mean",
        spread=0.038,
        high=Phrase(
            ko_stem="날이 서 있",
            ko_that="가슴속까지 뻥 뚫리는",
            en_adjective="sharp-edged",
            en_that="that blow the dust off",
        ),
        low=Phrase(
            ko_stem="매끄럽",
            ko_that="귓가를 포근히 감싸는",
            en_adjective="smooth",
            en_that="that wrap around your ears",
        ),
    ),
    Trait(
        name="percussive_share",
        column="percussive_share_mean",
        spread=0.069,
        high=Phrase(
            ko_stem="리듬이 또렷하",
            ko_that="어깨가 먼저 들썩이는",
            en_adjective="beat-driven",
            en_that="your shoulders react to first",
        ),
        low=Phrase(
            ko_stem="부드럽",
            ko_that="북소리 없이도 마음을 두드리는",
            en_adjective="gentle",
            en_that="that reach you without a drum",
        ),
    ),
    Trait(
        name="harmonic_share",
        column="harmonic_share_mean",
        spread=0.13,
        high=Phrase(
            ko_stem="울림이 길",
            ko_that="끝난 뒤에도 여운이 남는",
            en_adjective="resonant",
            en_that="that linger after the last note",
        ),
        low=Phrase(
            ko_stem="또랑또랑하",
            ko_that="소리가 톡톡 튀어 오르는",
            en_adjective="crisp",
            en_that="that skip and sparkle",
        ),
    ),
    Trait(
        name="fullness",
        column="mfcc_0_mean",
        spread=0.79,
        high=Phrase(
            ko_stem="소리가 꽉 차",
            ko_that="온몸을 감싸 안는",
            en_adjective="full",
            en_that="that fill every corner",
        ),
        low=Phrase(
            ko_stem="담백하", ko_that="여백에 귀 기울이게 되는", en_adjective="sparse", en_that="whose silences speak"
        ),
    ),
    Trait(
        name="swell",
        column="mfcc_0_std",
        spread=0.24,
        high=Phrase(
            ko_stem="굴곡이 크",
            ko_that="밀물처럼 밀려왔다 물러나는",
            en_adjective="surging",
            en_that="that come and go like tides",
        ),
        low=Phrase(
            ko_stem="고르", ko_that="하루 종일 틀어 두고 싶은", en_adjective="even", en_that="to leave on all day"
        ),
    ),
)

# Root mean square of the distances in all traits, in spreads: of the shipped moods no two are closer than 0.35.
_FITS = 0.3
# The traits that a description names: more than these set a mood hardly apart.
_NAMED = 3
# In deviations between tracks; less is not worth a word.
_NOTABLE = 0.25
# Fewer listened-to tracks say more about themselves than about their mood.
_ENOUGH_ASKED = 5
# The Geneva Emotional Music Scale [1], as Emotify asked for it.
_EMOTIONS = {
    "amazement": Label(ko="경이로움", en="amazement"),
    "solemnity": Label(ko="엄숙함", en="solemnity"),
    "tenderness": Label(ko="다정함", en="tenderness"),
    "nostalgia": Label(ko="그리움", en="nostalgia"),
    "calmness": Label(ko="평온함", en="calmness"),
    "power": Label(ko="힘", en="power"),
    "joyful_activation": Label(ko="신나는 기분", en="joyful activation"),
    "tension": Label(ko="긴장감", en="tension"),
    "sadness": Label(ko="슬픔", en="sadness"),
}


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words for a mood, and where it is.

    Attributes
    ----------
    where : dict of str to float
        Mean of every trait over the mood's tracks.
    label : Label
        A few words.
    description : Label
        A sentence.
    """

    where: dict[str, float]
    label: Label
    description: Label


class LabelFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that people wrote.

    Attributes
    ----------
    about : str
        What the model card says about the music, in Markdown.
    mood : tuple of Entry
        In any order.
    """

    about: str = ""
    mood: tuple[Entry, ...] = ()


def parse(document: bytes) -> LabelFile:
    """Read a label file.

    Parameters
    ----------
    document : bytes
        TOML: ``about`` and a ``[[mood]]`` for each mood, see `write`.

    Returns
    -------
    LabelFile
        What it says.

    Raises
    ------
    SettingsError
        It is no label file, names a trait that there is not, or leaves one out.
    """
    try:
        file = msgspec.toml.decode(document, type=LabelFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the label file can't be read: {error}", hint="a run writes one to begin with") from error
    names = {trait.name for trait in TRAITS}
    for entry in file.mood:
        if entry.where.keys() != names:
            raise SettingsError(
                f"the mood {entry.label.en!r} is where {sorted(entry.where)} are said",
                hint=f"say the mean of each of {', '.join(sorted(names))}",
            )
        if not all(map(math.isfinite, entry.where.values())):
            raise SettingsError(f"the mood {entry.label.en!r} is at {entry.where}", hint="give finite numbers")
    return file


def write(file: LabelFile) -> bytes:
    """Write a label file.

    Parameters
    ----------
    file : LabelFile
        What to say.

    Returns
    -------
    bytes
        TOML.
    """
    parts = [f"about = {_toml(file.about)}\n"] if file.about else []
    for entry in file.mood:
        where = ", ".join(f"{name} = {value:.4g}" for name, value in entry.where.items())
        parts.append(
            f"[[mood]]\nwhere = {{ {where} }}\n"
            f"label.ko = {_toml(entry.label.ko)}\nlabel.en = {_toml(entry.label.en)}\n"
            f"description.ko = {_toml(entry.description.ko)}\ndescription.en = {_toml(entry.description.en)}\n"
        )
    return "\n".join(parts).encode()


def evidence(summaries: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> NDArray[np.float64]:
    """Look the traits up.

    Parameters
    ----------
    summaries : np.ndarray [shape=(n, d), dtype=float32]
        Of whole tracks.
    version : FeatureVersion
        Names their numbers.

    Returns
    -------
    np.ndarray [shape=(n, traits), dtype=float64]
        In the order of ``TRAITS``.
    """
    columns = [version.summary_names.index(trait.column) for trait in TRAITS]
    return summaries[:, columns].astype(np.float64)


def fitting(means: NDArray[np.float64], *, entries: Sequence[Entry]) -> list[Entry | None]:
    """Find the entry of each mood.

    Parameters
    ----------
    means : np.ndarray [shape=(moods, traits)]
        Mean evidence of each mood.
    entries : sequence of Entry
        What people wrote.

    Returns
    -------
    list of Entry or None
        So that all distances together are smallest; each entry once. None for a mood that no entry is close to.
    """
    found: list[Entry | None] = [None] * len(means)
    if not entries:
        return found
    written = np.array([[entry.where[trait.name] for trait in TRAITS] for entry in entries])
    spreads = np.array([trait.spread for trait in TRAITS])
    distances = np.sqrt((((means[:, np.newaxis] - written) / spreads) ** 2).mean(axis=2))
    for mood, entry in zip(*linear_sum_assignment(distances), strict=True):
        if distances[mood, entry] <= _FITS:
            found[mood] = entries[entry]
    return found


def describe(
    tracks: NDArray[np.float64], *, groups: NDArray[np.int64], emotions: Mapping[str, NDArray[np.float64]] = {}
) -> list[tuple[Label, Label]]:
    """Make words from evidence, different for every mood.

    Each mood gets the phrase that suits it best of those that no other mood needs more; its most notable other trait is
    the adjective before it.

    Parameters
    ----------
    tracks : np.ndarray [shape=(n, traits)]
        Evidence of each track.
    groups : np.ndarray [shape=(n,), dtype=int64]
        Mood of each track, from 0 without a gap.
    emotions : mapping of str to np.ndarray [shape=(n,)]
        Share of listeners who felt each emotion; NaN where nobody was asked.

    Returns
    -------
    list of (Label, Label)
        Label and description of each mood.
    """
    scale = tracks.std(axis=0)
    standard = (tracks - tracks.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    count = int(groups.max()) + 1
    heights = np.array([standard[groups == mood].mean(axis=0) for mood in range(count)])
    # A column for each phrase: first all high ones, then all low ones; repeated where there are more moods.
    suits = np.tile(np.hstack((heights, -heights)), math.ceil(count / (2 * len(TRAITS))))
    _, phrases = linear_sum_assignment(suits, maximize=True)
    words: list[tuple[Label, Label]] = []
    told: Counter[Label] = Counter()
    for mood, phrase in enumerate((phrases % (2 * len(TRAITS))).tolist()):
        main = phrase % len(TRAITS)
        ranked = [int(i) for i in np.argsort(-np.abs(heights[mood]), kind="stable")]
        adjective = _phrase(next(i for i in ranked if i != main), heights[mood])
        that = TRAITS[main].high if phrase < len(TRAITS) else TRAITS[main].low
        label = Label(
            ko=f"{adjective.ko_stem}고 {that.ko_that} 노래 모음",
            en=f"{adjective.en_adjective.capitalize()} songs {that.en_that}",
        )
        told[label] += 1
        numbered = label if told[label] == 1 else Label(ko=f"{label.ko} {told[label]}", en=f"{label.en} {told[label]}")
        notable = [i for i in ranked[:_NAMED] if abs(heights[mood, i]) > _NOTABLE] or ranked[:1]
        named = [_phrase(i, heights[mood]) for i in notable]
        tempo_bpm = tracks[groups == mood, [trait.name for trait in TRAITS].index("tempo_bpm")].mean()
        words.append((numbered, _description(named, tempo_bpm=float(tempo_bpm), felt=_felt(emotions, groups == mood))))
    return words


def name_moods(
    tracks: NDArray[np.float64],
    *,
    groups: NDArray[np.int64],
    entries: Sequence[Entry],
    emotions: Mapping[str, NDArray[np.float64]] = {},
) -> tuple[Entry, ...]:
    """Give every mood its words: those of people where they fit, made ones elsewhere.

    Parameters
    ----------
    tracks : np.ndarray [shape=(n, traits)]
        Evidence of each track.
    groups : np.ndarray [shape=(n,), dtype=int64]
        Mood of each track, from 0 without a gap.
    entries : sequence of Entry
        What people wrote.
    emotions : mapping of str to np.ndarray [shape=(n,)]
        As in `describe`.

    Returns
    -------
    tuple of Entry
        By number of the mood; ``where`` says where the mood is.
    """
    means = np.array([tracks[groups == mood].mean(axis=0) for mood in range(int(groups.max()) + 1)])
    written = fitting(means, entries=entries)
    made = describe(tracks, groups=groups, emotions=emotions)
    return tuple(
        Entry(
            where=dict(zip([trait.name for trait in TRAITS], mean.tolist(), strict=True)),
            label=label if entry is None else entry.label,
            description=description if entry is None else entry.description,
        )
        for mean, entry, (label, description) in zip(means, written, made, strict=True)
    )


def _phrase(trait: int, heights: NDArray[np.float64]) -> Phrase:
    """Words for a trait of a mood."""
    return TRAITS[trait].high if heights[trait] > 0 else TRAITS[trait].low


def _description(named: Sequence[Phrase], *, tempo_bpm: float, felt: Sequence[Label]) -> Label:
    """Make a sentence of evidence."""
    *first, last = named
    ko = "".join(f"{phrase.ko_stem}고 " for phrase in first) + f"{last.ko_stem}다"
    en = ", ".join(phrase.en_adjective for phrase in first) + (" and " if first else "") + last.en_adjective
    ko_facts, en_facts = f"평균 {tempo_bpm:.0f}BPM", f"about {tempo_bpm:.0f} beats a minute"
    if felt:
        ko_facts += f", 두드러진 감정: {', '.join(emotion.ko for emotion in felt)}"
        en_facts += f"; felt more than elsewhere: {', '.join(emotion.en for emotion in felt)}"
    return Label(
        ko=f"다른 노래보다 {ko}({ko_facts}).", en=f"{en.capitalize()} beside the rest of the music ({en_facts})."
    )


def _felt(emotions: Mapping[str, NDArray[np.float64]], inside: NDArray[np.bool_]) -> list[Label]:
    """Name the two emotions that set the tracks `inside` most apart, strongest first."""
    heights = []
    for name, shares in emotions.items():
        asked = ~np.isnan(shares)
        spread = shares[asked].std() if asked.any() else 0.0
        if spread > 0 and (asked & inside).sum() >= _ENOUGH_ASKED:
            heights.append(((shares[asked & inside].mean() - shares[asked].mean()) / spread, name))
    strongest = sorted(heights, reverse=True)[:2]
    return [_EMOTIONS.get(name, Label(ko=name, en=name)) for height, name in strongest if height > _NOTABLE]


def _toml(text: str) -> str:
    """Quote a string for TOML; JSON's are a subset, but for one character."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
