"""The errors of Tunekin, one tree.

::

    TunekinError
    ├── SettingsError              settings.invalid          a wrong setting stops the start
    ├── ModelError                 model.invalid             a model directory that cannot serve stops the start
    ├── InputError                                           what was sent can never work: a failure at once
    │   ├── EmptyAudioError        audio.empty               no bytes
    │   ├── UnknownFormatError     audio.unknown_format      not a sound file that Tunekin reads
    │   ├── UndecodableAudioError  audio.undecodable         a sound file, but broken or without a sound stream
    │   ├── AudioTooLargeError     audio.too_large           more bytes than the limit
    │   ├── AudioTooShortError     audio.too_short           less sound than a comparison needs
    │   ├── AudioTooLongError      audio.too_long            more sound than the limit
    │   ├── SilentAudioError       audio.silent              no sound to compare
    │   ├── DecoderLimitError      audio.decoder_limit       decoding took more memory or time than it may
    │   ├── OptionError            option.invalid            an option with an impossible value
    │   ├── MessageError           message.invalid           a record that does not follow its topic's contract
    │   └── NotFoundError          catalogue.not_found       a track or mood that the catalogue does not hold
    ├── WorkerKilledError          record.killed_worker      a record whose worker died each time it tried
    ├── EmptyCatalogueError        catalogue.empty           nothing to recommend from yet
    ├── UnsupportedVersionError    message.version_unknown   retriable: a newer writer's message waits for the upgrade
    └── DependencyError            dependency.unavailable    retriable: a server that is down

Whether an attempt may be repeated with hope is a property of the class: ``error.retriable``.
Everything else that a handler raises is a defect; it ends as a failure with the code ``internal``.
"""

from typing import ClassVar

__all__ = [
    "AudioTooLargeError",
    "AudioTooLongError",
    "AudioTooShortError",
    "DecoderLimitError",
    "DependencyError",
    "EmptyAudioError",
    "EmptyCatalogueError",
    "InputError",
    "MessageError",
    "ModelError",
    "NotFoundError",
    "OptionError",
    "SettingsError",
    "SilentAudioError",
    "TunekinError",
    "UndecodableAudioError",
    "UnknownFormatError",
    "UnsupportedVersionError",
    "WorkerKilledError",
]


class TunekinError(Exception):
    """Root of every error that Tunekin raises on purpose.

    Parameters
    ----------
    message : str
        What was wrong, with the offending value.
    hint : str, optional
        What would be right, or what to do next.

    Attributes
    ----------
    code : str
        Stable, machine-readable name of the error; part of the public contract.
    retriable : bool
        Whether the same attempt can succeed later without any change to its input.
    """

    code: ClassVar[str] = "internal"
    retriable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            # Whoever gets a traceback learns what to do, too.
            self.add_note(hint)


class SettingsError(TunekinError):
    """A setting is unknown or has an impossible value; the program does not start."""

    code = "settings.invalid"


class ModelError(TunekinError):
    """A model directory is incomplete, damaged or made for another feature version."""

    code = "model.invalid"


class InputError(TunekinError):
    """What was sent can never work, however often it is tried."""

    code = "input.invalid"


class EmptyAudioError(InputError):
    """There are no bytes."""

    code = "audio.empty"


class UnknownFormatError(InputError):
    """The bytes are not a sound file of a kind that Tunekin reads."""

    code = "audio.unknown_format"


class UndecodableAudioError(InputError):
    """The file is of a known kind, but broken, or it holds no sound."""

    code = "audio.undecodable"


class AudioTooLargeError(InputError):
    """The file has more bytes than the limit."""

    code = "audio.too_large"


class AudioTooShortError(InputError):
    """There is less sound than a comparison needs."""

    code = "audio.too_short"


class AudioTooLongError(InputError):
    """There is more sound than the limit."""

    code = "audio.too_long"


class SilentAudioError(InputError):
    """There is nothing to hear, so nothing can be compared."""

    code = "audio.silent"


class DecoderLimitError(InputError):
    """Decoding took more memory or time than it may: a damaged file or a decompression bomb."""

    code = "audio.decoder_limit"


class OptionError(InputError):
    """An option has an impossible value."""

    code = "option.invalid"


class MessageError(InputError):
    """A record does not follow the contract of its topic."""

    code = "message.invalid"


class NotFoundError(InputError):
    """The catalogue holds no such track or mood."""

    code = "catalogue.not_found"


class WorkerKilledError(TunekinError):
    """The worker died, without an error, each time it worked on this record."""

    code = "record.killed_worker"


class EmptyCatalogueError(TunekinError):
    """The catalogue has no track to recommend."""

    code = "catalogue.empty"


class UnsupportedVersionError(TunekinError):
    """A message was written by a newer version; it waits until this worker is upgraded."""

    code = "message.version_unknown"
    retriable = True


class DependencyError(TunekinError):
    """A server that this work needs is down; the work waits for it."""

    code = "dependency.unavailable"
    retriable = True
