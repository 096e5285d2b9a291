"""One query in n is answered by brute force too: a running check of what is said to be proven."""

from tunekin.messages import Answer

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


def recall5(answer: Answer, brute: Answer) -> float:
    """Say how many of the five best are among an answer's first five.

    Parameters
    ----------
    answer : Answer
        What was answered.
    brute : Answer
        What brute force answers.

    Returns
    -------
    float
        Share of them; 1 where there are none to find.
    """
    wanted = {match.track_id for match in brute.matches[:_PLACES]}
    found = {match.track_id for match in answer.matches[:_PLACES]}
    return len(wanted & found) / len(wanted) if wanted else 1.0


def differs(answer: Answer, brute: Answer) -> bool:
    """Say whether two answers to one clip name other tracks, or other distances.

    Parameters
    ----------
    answer : Answer
        What was answered.
    brute : Answer
        What brute force answers.

    Returns
    -------
    bool
        Whether they differ in more than how they were found.
    """
    return (answer.identified, answer.matches) != (brute.identified, brute.matches)
