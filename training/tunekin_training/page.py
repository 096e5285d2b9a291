"""The page of a training run: one HTML document that needs nothing else."""

import base64
from collections.abc import Mapping
from html import escape

from tunekin_training.meaning import MEANING, shown
from tunekin_training.plots import COLOURS
from tunekin_training.report import MoodReport, Report

__all__ = ["report_page"]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; } img, svg { max-width: 100%; }
svg circle:hover { stroke: #000; stroke-width: .012; } .swatch { display: inline-block; width: .8em; height: .8em; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #ddd; } .ko { color: #555; }
"""
# Radius of a dot, and what the map's sides are longer than its tracks reach.
_DOT, _MARGIN = 0.018, 0.1
_PLOTS = {
    "curves": ("How the network learnt", "Each fold of the first division; solid lines are artists set apart."),
    "learning": ("What more music would bring", "Accuracy on artists never heard, by how much was learnt from."),
    "confusion": ("Which mood is taken for which", "On artists never heard; rows are the truth."),
    "calibration": (
        "How far certainty can be trusted",
        "On artists never heard; on the line they are as sure as right.",
    ),
    "stability": ("How far moods depend on chance", "Agreement between the moods that different seeds find."),
}


def report_page(report: Report, *, plots: Mapping[str, bytes], model_version: str, command: str) -> str:
    """Write the page.

    Parameters
    ----------
    report : Report
        What the run found out.
    plots : mapping of str to bytes
        PNG documents, as `tunekin_training.plots.draw` gives them; they become part of the page.
    model_version : str
        Name of the model.
    command : str
        The command that trained it.

    Returns
    -------
    str
        HTML.
    """
    elbow = "not clear, so the number is the default" if report.elbow is None else f"at {report.elbow}"
    sections = [
        f"<h1>Mood model {escape(model_version)}</h1>",
        _head(report),
        f"<pre>{escape(command)}</pre>",
        _section("Moods", _moods(report)),
        _section("Map", "<p>Point at a dot to see the song.</p>" + _map(report)),
        _section("How many moods", f"<p>The elbow is {elbow}.</p>" + _image("elbow", plots)),
        _section("Figures", _figures(report)),
        *(_section(title, f"<p>{text}</p>" + _image(name, plots)) for name, (title, text) in _PLOTS.items()),
        _section("Typical songs", "".join(map(_typical, report.moods))),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Mood model {escape(model_version)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(sections)
        + "\n</body></html>\n"
    )


def _head(report: Report) -> str:
    return (
        f"<p>{len(report.moods)} moods found in {report.tracks} tracks by {report.artists} artists; "
        f"{report.felt_tracks} of the tracks have emotions that listeners told.</p>"
    )


def _section(title: str, content: str) -> str:
    return f"<h2>{title}</h2>\n{content}"


def _image(name: str, plots: Mapping[str, bytes]) -> str:
    return f'<img alt="{name}" src="data:image/png;base64,{base64.b64encode(plots[name]).decode()}">'


def _swatch(mood: int) -> str:
    return f'<span class="swatch" style="background:{COLOURS[mood % len(COLOURS)]}"></span>'


def _moods(report: Report) -> str:
    rows = "".join(
        f"<tr><td>{_swatch(mood.id)} {mood.id}</td><td>{escape(mood.words.label.en)}<br>"
        f'<span class="ko">{escape(mood.words.label.ko)}</span></td>'
        + "".join(
            f'<td class="number">{value}</td>'
            for value in (
                mood.tracks,
                mood.artists,
                f"{mood.largest_artist:.0%}",
                f"{mood.largest_album:.0%}",
                f"{mood.recall:.0%}",
            )
        )
        + "</tr>"
        for mood in report.moods
    )
    names = ("", "mood", "tracks", "artists", "by one artist", "on one album", "recognised out of fold")
    return f"<table><tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>{rows}</table>"


def _map(report: Report) -> str:
    xs, ys = [place.x for place in report.places], [place.y for place in report.places]
    left, top = min(xs) - _MARGIN, min(ys) - _MARGIN
    width, height = max(xs) + _MARGIN - left, max(ys) + _MARGIN - top
    dots = "".join(
        f'<circle cx="{place.x}" cy="{place.y}" r="{_DOT}" fill="{COLOURS[place.mood % len(COLOURS)]}">'
        f"<title>{escape(place.name)}\n{place.mood}: {escape(report.moods[place.mood].words.label.en)} "
        f"({place.probability:.0%})</title></circle>"
        for place in report.places
    )
    return f'<svg viewBox="{left:.3f} {top:.3f} {width:.3f} {height:.3f}" role="img">{dots}</svg>'


def _figures(report: Report) -> str:
    rows = "".join(
        f'<tr><td><code>{name}</code></td><td class="number">{shown(name, value)}</td>'
        f"<td>{escape(MEANING[name])}</td></tr>"
        for name, value in report.metrics.items()
    )
    return (
        f"<p>On artists whom the model never heard, mean of {report.divisions} divisions into folds. The system that "
        "Tunekin follows reported 0.99 for its network and 0.98 for XGBoost.</p>"
        f"<table>{rows}</table><p>{escape(_verdict(report))}</p>"
    )


def _verdict(report: Report) -> str:
    """Say whether the network reaches its yardstick."""
    network, trees = report.metrics["dnn_accuracy"], report.metrics["xgboost_accuracy"]
    if network >= trees:
        return f"The network reaches its yardstick: {network:.3f} against {trees:.3f}."
    half, whole = report.learning["0.50"], report.learning["1.00"]
    why = (
        f"It still learns from more music ({half:.3f} from half of the artists, {whole:.3f} from all)."
        if whole > half
        else "More artists do not help it here."
    )
    return f"The network falls short of its yardstick by {trees - network:.3f}. {why}"


def _typical(mood: MoodReport) -> str:
    songs = "".join(f"<li>{escape(name)}</li>" for name in mood.typical)
    return (
        f"<h3>{_swatch(mood.id)} {mood.id}. {escape(mood.words.label.en)}</h3>"
        f'<p class="ko">{escape(mood.words.label.ko)}</p><p>{escape(mood.words.description.en)}</p><ol>{songs}</ol>'
    )
