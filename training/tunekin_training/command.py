"""``tunekin train``: from music or a catalogue to a folder with a model and its report."""

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tunekin.catalogue.database import check_schema, opened
from tunekin.catalogue.reader import CatalogueReader
from tunekin.errors import EmptyCatalogueError, InputError, SettingsError
from tunekin.features import FEATURES
from tunekin_classifier.manifest import Manifest, Mood
from tunekin_classifier.manifest import write as write_manifest
from tunekin_training.card import model_card
from tunekin_training.collection import find
from tunekin_training.corpus import Corpus
from tunekin_training.label import LabelFile, parse
from tunekin_training.label import write as write_labels
from tunekin_training.lens import write as write_lens
from tunekin_training.listen import listen, make_corpus
from tunekin_training.meaning import shown
from tunekin_training.page import report_page
from tunekin_training.plots import draw
from tunekin_training.steps import Steps
from tunekin_training.train import Trained, train

__all__ = ["Options", "run"]

# What was computed, so that a run that was interrupted, or gets other words, goes on from there.
_KEPT = ".steps"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is asked of a run.

    Attributes
    ----------
    music : pathlib.Path or None
        Folder of sound files, or CSV manifest that lists them; unset, the catalogue's summaries are learnt from.
    catalogue_url : str
        The catalogue.
    clusters : int or None
        Moods wanted; unset, where the elbow is.
    seed : int
        Fixes the run.
    labels : pathlib.Path or None
        Words for moods.
    workers : int
        Processes.
    out : pathlib.Path
        Folder that the model's folder is made in.
    """

    music: Path | None
    catalogue_url: str
    clusters: int | None
    seed: int
    labels: Path | None
    workers: int
    out: Path


def run(options: Options, *, console: Console) -> Path:
    """Train a model.

    1. Read the words, and make the folder: what is wrong there costs no hour.
    2. Listen to the music, or read the catalogue's summaries.
    3. Train.
    4. Write model, card and report into a folder that is called as the model is.

    Parameters
    ----------
    options : Options
        What is asked.
    console : rich.console.Console
        Where progress is told.

    Returns
    -------
    pathlib.Path
        The model's folder.

    Raises
    ------
    TunekinError
        Something is wrong with what was given.
    """
    # Step 1
    labels = _read_labels(options.labels, console=console)
    _make_folder(options.out)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        steps = Steps(options.out / _KEPT, workers=options.workers, on_step=_Bars(progress).show)
        # Step 2
        if options.music is None:
            corpus = _from_catalogue(options.catalogue_url)
        else:
            corpus = _from_music(options.music, seed=options.seed, steps=steps, console=progress.console)
        # Step 3
        trained = train(corpus, clusters=options.clusters, seed=options.seed, labels=labels, steps=steps)
    # Step 4
    folder = _write(trained, labels=labels, command=_command(options), out=options.out)
    _tell(trained, folder=folder, console=console)
    return folder


class _Bars:
    """A progress bar for each kind of steps."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._title = ""
        self._task = progress.add_task("beginning", total=None)

    def show(self, title: str, done: int, total: int) -> None:
        """Show how far a kind of steps is."""
        if title != self._title:
            self._title = title
            self._progress.update(self._task, description=title, total=total, completed=done)
        self._progress.update(self._task, total=total, completed=done)


def _read_labels(path: Path | None, *, console: Console) -> LabelFile:
    """Words that people wrote, if there are any."""
    if path is None:
        return LabelFile()
    if not path.exists():
        console.print(f"there is no {path}; the moods get words made from evidence", highlight=False)
        return LabelFile()
    try:
        return parse(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}", hint="name a file of labels") from error


def _from_music(music: Path, *, seed: int, steps: Steps, console: Console) -> Corpus:
    """Listen to the trainer's own music."""
    recordings = find(music)
    heard = []
    for recording, features in listen(recordings, seed=seed, steps=steps):
        if isinstance(features, str):
            console.print(f"left out {recording.path}: {features}", highlight=False)
        else:
            heard.append((recording, features))
    if not heard:
        raise SettingsError(f"none of the {len(recordings)} files in {music} can be heard")
    return make_corpus(heard)


def _from_catalogue(url: str) -> Corpus:
    """Take the summaries that a catalogue holds."""
    size = FEATURES.summary_size
    with opened(url) as engine:
        check_schema(engine)
        reader = CatalogueReader(engine)
        outdated = reader.outdated(FEATURES.name, summary_size=size)
        stored = reader.summaries(FEATURES.name, summary_size=size)
    count = len(stored.track_ids)
    if outdated:
        raise InputError(
            f"{len(outdated)} of {len(outdated) + count} tracks, such as {outdated[0]!r}, were heard by an earlier "
            f"version, whose summaries lack some of the {size} numbers that {FEATURES.name!r} has today",
            hint="hear them again by `tunekin catalog add` with their folders",
        )
    if not count:
        raise EmptyCatalogueError(f"the catalogue holds no summary of feature version {FEATURES.name!r}")
    names = [
        " - ".join(filter(None, (artist, title))) or track_id
        for artist, title, track_id in zip(stored.artists, stored.titles, stored.track_ids, strict=True)
    ]
    return Corpus(
        names=tuple(names),
        artists=stored.artists,
        albums=stored.albums,
        licences=("",) * count,
        summaries=stored.matrix,
        cuts=np.zeros((count, 0, FEATURES.summary_size), dtype=np.float32),
        asked_cuts={},
        emotion_names=(),
        emotions=np.zeros((count, 0)),
    )


def _make_folder(path: Path) -> None:
    """Make a folder to write to."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{path} can't be made: {error.strerror}", hint="name a folder you may write") from error


def _write(trained: Trained, *, labels: LabelFile, command: str, out: Path) -> Path:
    """Write the model's folder with its report and words."""
    report, sha256 = trained.report, hashlib.sha256(trained.onnx).hexdigest()
    words = tuple(mood.words for mood in report.moods)
    manifest = Manifest(
        # By its weights: two models never share a name, and better words are no other model.
        version=f"moods{len(words)}-{FEATURES.name}-{sha256[:8]}",
        feature_version=FEATURES.name,
        summary_names=FEATURES.summary_names,
        onnx_sha256=sha256,
        moods=tuple(Mood(id=i, label=entry.label, description=entry.description) for i, entry in enumerate(words)),
        metrics=report.metrics,
    )
    folder = out / manifest.version
    reports = folder / "report"
    _make_folder(reports)
    card = model_card(report, model_version=manifest.version, about=labels.about, command=command)
    (folder / "model.onnx").write_bytes(trained.onnx)
    (folder / "README.md").write_text(card, encoding="utf-8")
    plots = draw(report)
    for name, document in plots.items():
        (reports / f"{name}.png").write_bytes(document)
    page = report_page(report, plots=plots, model_version=manifest.version, command=command)
    (reports / "index.html").write_text(page, encoding="utf-8")
    (reports / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    (reports / "lens.json").write_bytes(write_lens(trained.lens, summary_names=FEATURES.summary_names))
    (reports / "labels.toml").write_bytes(write_labels(LabelFile(about=labels.about, mood=words)))
    # Last: a folder without it is no model.
    (folder / "manifest.json").write_bytes(write_manifest(manifest))
    return folder


def _command(options: Options) -> str:
    """Say the command again, with placeholders for what only this machine has."""
    source = "--music MUSIC" if options.music else "--catalog URL"
    file = options.labels and (options.labels.name if options.labels.is_absolute() else str(options.labels))
    labels = f" --labels {shlex.quote(file)}" if file else ""
    clusters = options.clusters or "auto"
    return f"tunekin train {source} --clusters {clusters} --seed {options.seed}{labels} --out MODELS"


def _tell(trained: Trained, *, folder: Path, console: Console) -> None:
    """Print what was found, and where it is."""
    table = Table("id", "mood", "tracks", "recognised")
    for mood in trained.report.moods:
        table.add_row(str(mood.id), mood.words.label.en, str(mood.tracks), f"{mood.recall:.0%}")
    console.print(table)
    for name, value in trained.report.metrics.items():
        console.print(f"{name} {shown(name, value)}", highlight=False)
    console.print(f"model: {folder}", highlight=False, soft_wrap=True)
    console.print(f"report: {folder / 'report' / 'index.html'}", highlight=False, soft_wrap=True)
