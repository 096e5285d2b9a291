"""What in a message is sound."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from telegram import Message

from tunekin_embedded.sound_files import EXTENSIONS

__all__ = ["Sound", "sound_in"]


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A file that Telegram has.

    Attributes
    ----------
    file_id : str
        What it is fetched by.
    size : int or None
        Its bytes, where Telegram says.
    """

    file_id: str
    size: int | None


def sound_in(message: Message) -> Sound | None:
    """Find the sound of a message.

    Parameters
    ----------
    message : Message
        A voice note, audio file, video note, video, or a document that may be one of these.

    Returns
    -------
    Sound or None
        Unset where the message has none.
    """
    # What moves without sound comes as a document too.
    document = None if message.animation else message.document
    if document is not None and not _may_sound(document.mime_type or "", document.file_name or ""):
        document = None
    for found in (message.voice, message.audio, message.video_note, message.video, document):
        if found is not None:
            return Sound(file_id=found.file_id, size=found.file_size)
    return None


def _may_sound(mime_type: str, name: str) -> bool:
    """Whether a document calls itself sound or video; the bytes decide later."""
    kind = mime_type.partition("/")[0]
    return kind in {"audio", "video"} or PurePosixPath(name.lower()).suffix in EXTENSIONS or mime_type.endswith("/ogg")
