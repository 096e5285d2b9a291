"""Train moods and their classifier: ``python -m tunekin_training --music MUSIC --out MODEL``.

Writes the model's folder for the classifier (``model.onnx``, ``manifest.json`` and the card ``README.md``) and,
beside it or elsewhere, ``report.json`` and ``labels.toml``, the moods' words to edit and train with again.
"""

import argparse
import hashlib
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tunekin.errors import EmptyCatalogueError, SettingsError, TunekinError
from tunekin.features import FEATURES
from tunekin_classifier.manifest import Manifest, Mood
from tunekin_classifier.manifest import write as write_manifest
from tunekin_training.card import model_card
from tunekin_training.collection import find
from tunekin_training.corpus import Corpus
from tunekin_training.label import LabelFile, parse
from tunekin_training.label import write as write_labels
from tunekin_training.listen import listen, make_corpus
from tunekin_training.train import Trained, train

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Train a model.

    Parameters
    ----------
    arguments : sequence of str
        The command line without the program's name.

    Returns
    -------
    int
        Exit status: 0, or 2 where something was wrong with what was given.
    """
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    try:
        labels = _read_labels(options.labels, console=console)
        # Before the work, so that a wrong folder costs no hour.
        folder, reports = (_make_folder(path) for path in (options.out, options.report or options.out))
        with _progress(console) as progress:
            if options.music is None:
                corpus = _from_catalogue(options.catalogue)
            else:
                corpus = _from_music(options.music, seed=options.seed, workers=options.workers, progress=progress)
            task = progress.add_task("", total=None)
            trained = train(
                corpus,
                clusters=options.clusters,
                seed=options.seed,
                labels=labels,
                on_step=lambda step: progress.update(task, description=step),
            )
            progress.update(task, description="trained", total=1, completed=1)
        _write(trained, labels=labels, command=_command(options), folder=folder, reports=reports)
    except TunekinError as error:
        console.print(*filter(None, (error.message, error.hint)), sep="\n", style="red", markup=False, highlight=False)
        return 2
    _print(trained, console=Console())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tunekin_training", description="Find moods in music, and train their classifier."
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--music", type=Path, help="folder of sound files, or CSV manifest that lists them")
    source.add_argument(
        "--catalogue", metavar="URL", help="catalogue whose summaries to learn from (no short cuts then)"
    )
    parser.add_argument("--clusters", type=int, default=10, help="moods wanted (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="fixes the run (default: 0)")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="words for moods (TOML), used where they fit")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes that listen (default: all cores)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the model")
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="folder of report.json and labels.toml (default: that of the model)"
    )
    return parser


def _progress(console: Console) -> Progress:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console)


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


def _from_music(music: Path, *, seed: int, workers: int, progress: Progress) -> Corpus:
    """Listen to the trainer's own music."""
    recordings = find(music)
    task = progress.add_task("listening", total=len(recordings))
    heard = []
    for recording, features in listen(recordings, seed=seed, workers=workers, on_heard=lambda: progress.advance(task)):
        if isinstance(features, str):
            progress.console.print(f"left out {recording.path}: {features}", highlight=False)
        else:
            heard.append((recording, features))
    if not heard:
        raise SettingsError(f"none of the {len(recordings)} files in {music} can be heard")
    return make_corpus(heard)


def _from_catalogue(url: str) -> Corpus:
    """Take the summaries that a catalogue holds."""
    # Database drivers, which who trains from a folder may not have.
    from tunekin.catalogue.database import check_schema, open_engine  # noqa: PLC0415
    from tunekin.catalogue.reader import CatalogueReader  # noqa: PLC0415

    engine = open_engine(url)
    check_schema(engine)
    stored = CatalogueReader(engine).summaries(FEATURES.name)
    count = len(stored.track_ids)
    if not count:
        raise EmptyCatalogueError(f"the catalogue holds no summary of feature version {FEATURES.name!r}")
    no_cuts = np.zeros((count, 0, FEATURES.summary_size), dtype=np.float32)
    return Corpus(
        names=stored.track_ids,
        artists=stored.artists,
        licences=("",) * count,
        summaries=stored.matrix,
        clean_cuts=no_cuts,
        noisy_cuts=no_cuts,
        emotion_names=(),
        emotions=np.zeros((count, 0)),
    )


def _make_folder(path: Path) -> Path:
    """Make a folder to write to."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{path} can't be made: {error.strerror}", hint="name a folder you may write") from error
    return path


def _write(trained: Trained, *, labels: LabelFile, command: str, folder: Path, reports: Path) -> None:
    """Write the model's folder, the report and the words."""
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
    card = model_card(report, model_version=manifest.version, about=labels.about, command=command)
    (folder / "model.onnx").write_bytes(trained.onnx)
    (folder / "manifest.json").write_bytes(write_manifest(manifest))
    (folder / "README.md").write_text(card, encoding="utf-8")
    (reports / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    (reports / "labels.toml").write_bytes(write_labels(LabelFile(about=labels.about, mood=words)))


def _command(options: argparse.Namespace) -> str:
    """Say the command again, with placeholders for what only this machine has."""
    source = "--music MUSIC" if options.music else "--catalogue URL"
    file = options.labels and (options.labels.name if options.labels.is_absolute() else str(options.labels))
    labels = f" --labels {shlex.quote(file)}" if file else ""
    return (
        f"python -m tunekin_training {source} --clusters {options.clusters} --seed {options.seed}{labels} --out MODEL"
    )


def _print(trained: Trained, *, console: Console) -> None:
    """Print what was found."""
    table = Table("id", "mood", "tracks", "recognised")
    for mood in trained.report.moods:
        table.add_row(str(mood.id), mood.words.label.en, str(mood.tracks), f"{mood.recall:.0%}")
    console.print(table)
    for name, value in trained.report.metrics.items():
        console.print(f"{name} {value:.4g}", highlight=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
