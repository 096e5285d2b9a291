"""What a button carries: an action and a value, in the 64 bytes that Telegram gives it."""

import hashlib
from collections import OrderedDict

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from tunekin_telegram.tell import Said

__all__ = ["Buttons"]

_MOST_BYTES = 64
_LONG = "#"
# Values that did not fit, and are remembered; ids of songs do fit as a rule.
_REMEMBERED = 10_000


class Buttons:
    """Writes actions on buttons, and reads them."""

    def __init__(self) -> None:
        self._long: OrderedDict[str, str] = OrderedDict()

    def below(self, said: Said) -> InlineKeyboardMarkup | None:
        """Make the buttons of a message.

        Parameters
        ----------
        said : Said
            The message.

        Returns
        -------
        InlineKeyboardMarkup or None
            Unset where it has none.
        """
        if not said.rows:
            return None
        return InlineKeyboardMarkup(
            [
                [InlineKeyboardButton(button.label, callback_data=self.write(*button.action)) for button in row]
                for row in said.rows
            ]
        )

    def write(self, name: str, value: str) -> str:
        """Write an action.

        Parameters
        ----------
        name : str
            What is done; a few letters, without a colon.
        value : str
            With what.

        Returns
        -------
        str
            At most 64 bytes.
        """
        written = f"{name}:{value}"
        if len(written.encode()) <= _MOST_BYTES and not value.startswith(_LONG):
            return written
        short = _LONG + hashlib.sha256(value.encode()).hexdigest()[:32]
        self._long[short] = value
        self._long.move_to_end(short)
        if len(self._long) > _REMEMBERED:
            self._long.popitem(last=False)
        return f"{name}:{short}"

    def read(self, data: str) -> tuple[str, str | None]:
        """Read an action.

        Parameters
        ----------
        data : str
            What a button carried.

        Returns
        -------
        tuple of (str, str or None)
            Name and value; unset where it is forgotten.
        """
        name, _, value = data.partition(":")
        return name, self._long.get(value) if value.startswith(_LONG) else value
