"""Cache in this process's memory: the least recently used entry goes first."""

from collections import OrderedDict

__all__ = ["MemoryCache"]


class MemoryCache:
    """A few thousand answers in memory; used by one thread.

    Parameters
    ----------
    max_entries : int
        Most that are kept; 0 keeps none.
    """

    def __init__(self, *, max_entries: int) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """Return what was stored.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        bytes or None
            None where it is not, or no longer, there.
        """
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key]

    def join(self, key: str) -> bytes | None:
        """Return what was stored; there is nobody else to wait for.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        bytes or None
            None makes it the caller's turn.
        """
        return self.get(key)

    def leave(self, key: str) -> None:
        """Do nothing: nobody waits.

        Parameters
        ----------
        key : str
            Its name.
        """

    def set(self, key: str, value: bytes) -> None:
        """Store a value, and forget the least recently used one where there are too many.

        Parameters
        ----------
        key : str
            Its name.
        value : bytes
            What to keep.
        """
        self._entries[key] = value
        self._entries.move_to_end(key)
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
