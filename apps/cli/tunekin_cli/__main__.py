"""The command ``tunekin``: composition root of the command line."""

import sys

from tunekin.errors import InputError, TunekinError
from tunekin_cli.app import app
from tunekin_cli.render import show_error

__all__ = ["main"]

# As shells and sysexits have it: 2 is a wrong use of the command, 130 an interrupt.
_WRONG_USE, _FAILED, _INTERRUPTED = 2, 1, 130


def main() -> None:
    """Run the command line; every error of Tunekin's own ends as two plain lines, not as a traceback."""
    try:
        app()
    except TunekinError as error:
        show_error(error)
        sys.exit(_WRONG_USE if isinstance(error, InputError) else _FAILED)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
