"""One page of plots of a scorecard."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.quality.conditions import CONDITIONS, KIN
from benchmarks.quality.methods import METHODS

__all__ = ["draw"]

Figures = Mapping[str, float | None]


def draw(figures: Figures, *, title: str, path: Path) -> None:
    """Draw what a scorecard says.

    Parameters
    ----------
    figures : mapping of str to float or None
        The scorecard; what is absent is left out.
    title : str
        Of the page.
    path : pathlib.Path
        Where the PNG goes; its folder has to exist.
    """
    page, axes = plt.subplots(2, 2, figsize=(12, 9), layout="constrained")
    page.suptitle(title)
    _bars(axes[0, 0], figures, {c: f"own_song_hit1_{c}" for c in CONDITIONS}, title="own song comes first")
    _bars(axes[0, 1], figures, {"Tunekin": "precision5", **_named("precision5")}, title="precision@5 of kin")
    _bars(axes[1, 0], figures, {"Tunekin": "emotion_cosine", **_named("emotion_cosine")}, title="emotions, cosine")
    kept = {c: f"keep5_{c}" for c in KIN} | {f"{c}, song absent": f"keep5_absent_{c}" for c in KIN}
    _bars(axes[1, 1], figures, kept, title="share of the clean kin kept")
    page.savefig(path, dpi=110)
    plt.close(page)


def _named(figure: str) -> dict[str, str]:
    return {method.replace("_", " "): f"{figure}_{method}" for method in METHODS}


def _bars(axes: Axes, figures: Figures, names: Mapping[str, str], *, title: str) -> None:
    known = {text: name for text, name in names.items() if figures.get(name) is not None}
    values = np.array([figures[name] for name in known.values()], dtype=np.float64)
    lows = np.array([figures.get(f"{name}_low", figures[name]) for name in known.values()], dtype=np.float64)
    highs = np.array([figures.get(f"{name}_high", figures[name]) for name in known.values()], dtype=np.float64)
    places = np.arange(len(known))[::-1]
    axes.barh(places, values, color="#4477aa")
    axes.errorbar(values, places, xerr=[values - lows, highs - values], fmt="none", ecolor="black", capsize=2)
    axes.set_yticks(places, list(known))
    axes.set_title(title)
    axes.grid(axis="x", alpha=0.3)
