"""One query in n is answered by brute force too: a running check of what is said to be proven."""

from tunekin.messages import Partial

__all__ = ["Shadow", "differs", "recall5"]

_PLACES = 5


class Shadow:
    """Says which queries to check.

    Parameters
    ----------
    every : int
        One query in so many, from the first one on; 0 means none.
    """

    def __init__(self, *, every: int) -> None:
        self._every = every
        self._queries = 0

    def is_due(self) -> bool:
        """Count a query, and say whether to check it.

        Returns
        -------
        bool
            Whether it is one to check.
        """
        due = self._every > 0 and self._queries % self._every == 0
        self._queries += 1
        return due


def recall5(found: Partial, brute: Partial) -> float:
    """Say how many of the five best are among the first five that were found.

    Parameters
    ----------
    found : Partial
        What was found.
    brute : Partial
        What brute force finds.

    Returns
    -------
    float
        Share of them; 1 where there are none to find.
    """
    wanted = {one.match.track_id for one in brute.matches[:_PLACES]}
    first = {one.match.track_id for one in found.matches[:_PLACES]}
    return len(wanted & first) / len(wanted) if wanted else 1.0


def differs(found: Partial, brute: Partial) -> bool:
    """Say whether two searches for one clip name other tracks, or other distances.

    Parameters
    ----------
    found : Partial
        What was found.
    brute : Partial
        What brute force finds.

    Returns
    -------
    bool
        Whether they differ in more than how they were found.
    """
    return (found.recordings, found.matches) != (brute.recordings, brute.matches)
