"""Plots of a training run, as PNG."""

import io

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tunekin_training.report import Report

__all__ = ["COLOURS", "draw"]

# Twenty that differ, dark and light in turn; moods beyond them begin anew.
COLOURS = tuple(mpl.colors.to_hex(mpl.colormaps["tab20"](i)) for i in range(20))
_DOTS_PER_INCH = 110
_NAMES = {"dnn": "network", "xgboost": "XGBoost"}


def draw(report: Report) -> dict[str, bytes]:
    """Draw all plots of a run.

    Parameters
    ----------
    report : Report
        What the run found out.

    Returns
    -------
    dict of str to bytes
        PNG documents by name: ``elbow``, ``map``, ``curves``, ``confusion``, ``calibration``, ``stability``,
        ``learning``. The same bytes for the same report and version of matplotlib.
    """
    return {
        "elbow": _elbow(report),
        "map": _map(report),
        "curves": _curves(report),
        "confusion": _confusion(report),
        "calibration": _calibration(report),
        "stability": _stability(report),
        "learning": _learning(report),
    }


def _figure(columns: int = 1, *, width: float = 5.5, height: float = 4.2) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width * columns, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(1, columns, i + 1) for i in range(columns)]


def _png(figure: Figure) -> bytes:
    document = io.BytesIO()
    figure.savefig(document, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return document.getvalue()


def _elbow(report: Report) -> bytes:
    figure, (axes,) = _figure()
    counts = np.arange(1, len(report.inertias) + 1)
    axes.loglog(counts, report.inertias, marker="o")
    axes.axvline(len(report.moods), linestyle="--", color="0.5", label=f"{len(report.moods)} moods were made")
    if report.elbow is not None:
        axes.axvline(report.elbow, linestyle=":", color="tab:red", label=f"elbow at {report.elbow}")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set(xlabel="groups", ylabel="spread left inside the groups")
    axes.legend()
    return _png(figure)


def _map(report: Report) -> bytes:
    figure, (axes,) = _figure(width=7.5, height=6.5)
    for mood in report.moods:
        places = np.array([(place.x, place.y) for place in report.places if place.mood == mood.id])
        colour = COLOURS[mood.id % len(COLOURS)]
        axes.scatter(places[:, 0], places[:, 1], s=12, color=colour, label=str(mood.id))
    axes.set(xticks=[], yticks=[])
    axes.legend(title="mood", loc="center left", bbox_to_anchor=(1, 0.5))
    return _png(figure)


def _curves(report: Report) -> bytes:
    figure, (losses, accuracies) = _figure(2)
    for i, fold in enumerate(report.curves):
        passes = range(1, len(fold.loss) + 1)
        losses.plot(passes, fold.loss, color=COLOURS[2 * i + 1], linestyle="--")
        losses.plot(passes, fold.valid_loss, color=COLOURS[2 * i], label=f"fold {i + 1}")
        accuracies.plot(passes, fold.valid_accuracy, color=COLOURS[2 * i])
    losses.set(xlabel="passes", ylabel="loss; dashed: on what is learnt from")
    accuracies.set(xlabel="passes", ylabel="accuracy on artists set apart")
    losses.legend()
    return _png(figure)


def _confusion(report: Report) -> bytes:
    figure, panels = _figure(len(report.judged), width=5.0, height=5.0)
    for axes, (name, judged) in zip(panels, report.judged.items(), strict=True):
        counts = np.array(judged.confusion)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), share in np.ndenumerate(shares):
            if share >= 0.005:  # noqa: PLR2004 -- less rounds to nothing
                colour = "white" if share > 0.5 else "black"  # noqa: PLR2004 -- where the blue gets dark
                axes.text(column, row, f"{share:.0%}", ha="center", va="center", fontsize=6, color=colour)
        axes.set(xlabel="mood predicted", ylabel="mood", title=_NAMES[name])
        axes.set_xticks(range(len(shares)))
        axes.set_yticks(range(len(shares)))
    return _png(figure)


def _calibration(report: Report) -> bytes:
    figure, panels = _figure(len(report.judged), width=4.5)
    for axes, (name, judged) in zip(panels, report.judged.items(), strict=True):
        counts, sure, right = np.array(judged.calibration).T
        axes.plot((0, 1), (0, 1), color="0.7")
        axes.scatter(sure, right, s=5 + 400 * counts / counts.sum(), alpha=0.6)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="how sure", ylabel="how often right", title=_NAMES[name])
    return _png(figure)


def _stability(report: Report) -> bytes:
    figure, (axes,) = _figure()
    values = np.array(report.stability)
    axes.imshow(values, cmap="Greens", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(values):
        axes.text(column, row, f"{value:.2f}", ha="center", va="center")
    seeds = [str(report.seed + i) for i in range(len(values))]
    axes.set_xticks(range(len(values)), seeds)
    axes.set_yticks(range(len(values)), seeds)
    axes.set(xlabel="seed", ylabel="seed", title="adjusted Rand index")
    return _png(figure)


def _learning(report: Report) -> bytes:
    figure, (axes,) = _figure()
    axes.plot([float(share) for share in report.learning], list(report.learning.values()), marker="o")
    axes.set(xlabel="share of the artists learnt from", ylabel="accuracy out of fold", xlim=(0, 1.05))
    return _png(figure)
