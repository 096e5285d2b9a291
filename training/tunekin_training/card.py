"""The model card: what a model was trained on, how, and how far it can be trusted.

References
----------
.. [1] M. Mitchell et al., "Model cards for model reporting", FAT* 2019.
"""

from tunekin.features import FEATURES, FeatureVersion
from tunekin_training.evaluate import FOLDS
from tunekin_training.listen import LEARNT_S
from tunekin_training.meaning import MEANING, shown
from tunekin_training.report import Report

__all__ = ["model_card"]

_CUTS = f"cuts of {LEARNT_S[0]:.0f} to {LEARNT_S[1]:.0f} s"

_HEARD_CUTS = """\
- A few seconds are less than a song: the figures on cuts say how often a clip is placed beside its song's mood.
- Noise, telephone bands, small loudspeakers and rooms were simulated; recordings by real phones were not measured.
"""

_HEARD_NO_CUTS = """\
- A few seconds are less than a song, and nothing shorter than a track was heard: how well clips are recognised was not
  measured.
- Noise, rooms, speakers and telephone lines change the timbre; the model has heard none of them.
"""

_LIMITS = """\
## Limits

- A mood is what the features of a summary hear: timbre, brightness, rhythm, noise. Lyrics, language and culture are not
  in it, and a sad song and a happy one that sound alike are the same.
- Moods pass into each other. Where the two most probable ones are close, answers say so (`ambiguous`), and both should
  be taken seriously.
- Moods were found on all tracks, also on those that the classifier then is judged by: the figures say how well moods
  are recognised, not how real they are. Only the figures on emotions, but those with `inside` in their name, come from
  moods that were found anew without the artists that they are judged by.
- Tracks of one artist are alike, so the figures are less certain than the count of tracks suggests.
"""

_LICENCE = """\
## Licence

The weights and the words in this folder are licensed under the Apache License 2.0, as all of Tunekin. The music that
they were trained on is not part of it.
"""


def model_card(
    report: Report, *, model_version: str, about: str, command: str, version: FeatureVersion = FEATURES
) -> str:
    """Write the card.

    Parameters
    ----------
    report : Report
        What training found out.
    model_version : str
        Name of the model.
    about : str
        What is to be said about the music, in Markdown; may be empty.
    command : str
        The command that trained it, without the machine's paths.
    version : FeatureVersion
        Of its inputs.

    Returns
    -------
    str
        Markdown.
    """
    sections = (
        _head(report, model_version=model_version),
        _music(report, about=about),
        _method(report, version=version),
        _figures(report),
        _moods(report),
        _LIMITS + (_HEARD_CUTS if report.cuts_per_track else _HEARD_NO_CUTS),
        f"## Made by\n\n```sh\n{command}\n```",
        _LICENCE,
    )
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _head(report: Report, *, model_version: str) -> str:
    return f"""\
# Mood model {model_version}

Gives a song, or a few seconds of one, a probability for each of {len(report.moods)} moods. Nobody defined the moods
beforehand: they are groups of songs that sound alike, found in music. Their names are an interpretation.
"""


def _music(report: Report, *, about: str) -> str:
    licences = "\n".join(f"| {licence} | {count} |" for licence, count in report.licences.items())
    table = f"| licence of the track | tracks |\n|---|---|\n{licences}" if licences else ""
    return f"""\
## Music

{report.tracks} tracks by {report.artists} artists; a track of an unknown artist counts as by one of its own.

{about.strip()}

{table}
"""


def _method(report: Report, *, version: FeatureVersion) -> str:
    heard = "whole tracks."
    if report.cuts_per_track:
        heard = f"""\
whole tracks and of
   {report.cuts_per_track} random {_CUTS} of each, at random gains, some of them damaged: by noise, by a telephone \
band with noise,
   by a small loudspeaker in a room. A cut belongs to the moods as its track does; a track's cuts together count twice
   as much as the track."""
    return f"""\
## Method

1. A track is summarised by the {version.summary_size} numbers of feature version `{version.name}`: means and
   deviations of its features, and its descriptor. Chroma is made independent of the key, everything is standardised.
2. {_lens(report)}
3. t-SNE maps what is seen to two dimensions, several times from random beginnings. K-means divides the maps, laid
   beside what they were drawn of, into moods, numbered from the least percussive to the most.
4. A multilayer perceptron (two hidden layers of 128 units, dropout, class weights) sees the same directions, and more
   of the first kind. It learns how far tracks belong to the moods, from {heard}
5. Early stopping on artists set apart ended after {report.epochs} passes in the median; the final model learnt from
   everything for as many. A temperature, the median of the folds', makes it as sure as it may be.

All runs in single threads from seed {report.seed}: the same machine and versions make the same bytes again.
"""


def _lens(report: Report) -> str:
    """Say through which views moods were looked for."""
    if report.lens_borrowed:
        return """\
Nothing beside the summaries is known of the tracks, so moods are looked for through the lens of the shipped model:
   directions in which other songs differ more than cuts of one song do, and in which listeners felt otherwise."""
    views = []
    if report.cuts_per_track:
        views.append("directions in which songs differ more than clean and damaged cuts of one song (LDA)")
    if report.lens_felt:
        views.append(
            f"directions in which the emotions change that listeners felt in {report.felt_tracks} of the tracks (ridge "
            "regression)"
        )
    if not views:
        return "Nothing beside the summaries is known of the tracks, so moods are looked for in their main axes."
    return "Moods are looked for in " + ", and in ".join(views) + "."


def _figures(report: Report) -> str:
    rows = "\n".join(f"| `{name}` | {shown(name, value)} | {MEANING[name]} |" for name, value in report.metrics.items())
    return f"""\
## Figures

Measured in {FOLDS} folds divided by artist, mean of {report.divisions} divisions. A model is judged by artists whom it
never heard, neither to grind its lens nor to fit its weights nor to stop.

| figure | value | meaning |
|---|---|---|
{rows}
"""


def _moods(report: Report) -> str:
    rows = "\n".join(
        f"| {mood.id} | {mood.words.label.ko} | {mood.words.label.en} | {mood.tracks / report.tracks:.0%} "
        f"| {mood.artists} | {mood.recall:.0%} |"
        for mood in report.moods
    )
    return f"""\
## Moods

| id | Korean | English | share of tracks | artists | recognised out of fold |
|---|---|---|---|---|---|
{rows}
"""
