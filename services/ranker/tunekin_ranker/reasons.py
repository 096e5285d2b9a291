"""Why a song is in a list: how alike it is in each view, in numbers and words."""

from collections.abc import Mapping

from tunekin.messages import Label, Why
from tunekin_ranker.similarity import similarity_in

__all__ = ["LABELS", "reasons"]

LABELS: Mapping[str, Label] = {
    "style": Label(ko="음악 스타일", en="style"),
    "feeling": Label(ko="느낌", en="feeling"),
    "timbre": Label(ko="음색", en="timbre"),
    "rhythm": Label(ko="리듬", en="rhythm"),
    "harmony": Label(ko="화성", en="harmony"),
    "moment": Label(ko="그 순간의 흐름", en="the very moment"),
}


def reasons(distances: Mapping[str, float]) -> tuple[Why, ...]:
    """Say in which views two sounds are alike.

    Parameters
    ----------
    distances : mapping of str to float
        By view, as `tunekin_ranker.kin` has them.

    Returns
    -------
    tuple of Why
        Every view, the one that speaks most for the match first.
    """
    told = [
        Why(view=view, similarity=round(similarity_in(view, distance), 4), label=LABELS[view])
        for view, distance in distances.items()
    ]
    return tuple(sorted(told, key=lambda why: -why.similarity))
