"""Why a song is in a list: how alike it is in each view, in numbers and words."""

from collections.abc import Mapping

from tunekin.messages import Label, Why
from tunekin_ranker.similarity import similarity_in
from tunekin_ranker.taste import Near

__all__ = ["LABELS", "LIKED_VIEW", "reasons"]

# In place of a view's name, for a song that the listener likes.
LIKED_VIEW = "liked"

LABELS: Mapping[str, Label] = {
    "style": Label(ko="음악 스타일", en="style"),
    "feeling": Label(ko="느낌", en="feeling"),
    "timbre": Label(ko="음색", en="timbre"),
    "rhythm": Label(ko="리듬", en="rhythm"),
    "harmony": Label(ko="화성", en="harmony"),
    "moment": Label(ko="그 순간의 흐름", en="the very moment"),
}


def reasons(distances: Mapping[str, float], *, liked: Near | None = None) -> tuple[Why, ...]:
    """Say in which views two sounds are alike, and what else speaks for a match.

    Parameters
    ----------
    distances : mapping of str to float
        By view, as `tunekin_ranker.kin` has them.
    liked : Near, optional
        A song that the listener likes and that the match is near to.

    Returns
    -------
    tuple of Why
        Every view, the one that speaks most for the match first; before them the song that the listener likes.
    """
    told = [
        Why(view=view, similarity=round(similarity_in(view, distance), 4), label=LABELS[view])
        for view, distance in distances.items()
    ]
    return (*(() if liked is None else (_of_liked(liked),)), *sorted(told, key=lambda why: -why.similarity))


def _of_liked(near: Near) -> Why:
    name = near.title or near.track_id
    return Why(
        view=LIKED_VIEW,
        similarity=round(similarity_in(LIKED_VIEW, near.distance), 4),
        # Without a particle after the name, which would depend on how it ends.
        label=Label(ko=f"좋아하신 “{name}”에 가까움", en=f"close to “{name}” that you liked"),
    )
