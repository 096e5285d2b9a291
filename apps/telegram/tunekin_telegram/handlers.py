"""What the bot does with each kind of message."""

import asyncio
import contextlib
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, TypeAlias

import msgspec
import structlog
from telegram import Message, Update, User
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, InvalidToken, TelegramError
from telegram.ext import (
    Application,
    BaseHandler,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    filters,
)

from tunekin.catalogue.tastes import Tastes, newest
from tunekin.errors import AudioTooLargeError, EmptyCatalogueError, TunekinError, UnknownFormatError
from tunekin.messages import ClipOptions, Problem
from tunekin.outcomes import problem_of
from tunekin_telegram import tell
from tunekin_telegram.buttons import Buttons
from tunekin_telegram.patience import Patience
from tunekin_telegram.settings import TelegramSettings
from tunekin_telegram.sounds import Sound, sound_in
from tunekin_telegram.tell import Said
from tunekin_telegram.words import WORDS, Words, language_of
from tunekin_web.collection import Collection
from tunekin_web.desk import Desk, Question, Ticket
from tunekin_web.limits import RateLimit
from tunekin_web.problems import RefusedError, TooManyError

__all__ = ["Handlers"]

_log = structlog.get_logger("tunekin.telegram")

_Context: TypeAlias = ContextTypes.DEFAULT_TYPE
_Handler: TypeAlias = Callable[[Update, Message, Words], Awaitable[None]]

# People who were told to wait; with more of them all are told again.
_WARNED = 10_000
# Songs that a search or a mood shows at a time.
_LISTED = 8
# Telegram shows "typing" for five seconds.
_TYPING_S = 4.0
# More often a message is not changed while its sound is compared.
_PROGRESS_S = 1.0
# How long fetching a sound may take.
_FETCH_S = 60.0


class LostError(RefusedError):
    """Telegram does not hand the sound out."""

    code = "telegram.lost"
    status = 404


class OldButtonError(RefusedError):
    """A button whose song is forgotten."""

    code = "telegram.old_button"
    status = 404


class Handlers:
    """Answers updates; used by one event loop.

    Parameters
    ----------
    collection : Collection
        The catalogue.
    tastes : Tastes
        What people like and dislike.
    desk : Desk
        Where clips wait.
    settings : TelegramSettings
        Limits.
    patiently : Patience
        Makes requests of Telegram.
    """

    def __init__(
        self,
        collection: Collection,
        tastes: Tastes,
        desk: Desk,
        *,
        settings: TelegramSettings,
        patiently: Patience,
    ) -> None:
        self._collection = collection
        self._tastes = tastes
        self._desk = desk
        self._settings = settings
        self._patiently = patiently
        self._rate = RateLimit(settings.clips_per_minute, clock=time.monotonic)
        # Who was told to wait, and is not told again and again.
        self._warned: set[int] = set()
        self._buttons = Buttons()

    def register(self, application: "Application[Any, Any, Any, Any, Any, Any]") -> None:
        """Say which update is whose.

        Parameters
        ----------
        application : Application
            What hands updates over.
        """
        alone = filters.ChatType.PRIVATE
        sound = filters.VOICE | filters.AUDIO | filters.VIDEO_NOTE | filters.VIDEO | filters.Document.ALL
        handlers: tuple[BaseHandler[Update, _Context, None], ...] = (
            CommandHandler(["start", "help"], self._guarded(self._start), filters.UpdateType.MESSAGE),
            CommandHandler("mood", self._guarded(self._moods), filters.UpdateType.MESSAGE),
            CommandHandler("taste", self._guarded(self._taste), alone & filters.UpdateType.MESSAGE),
            MessageHandler(alone & filters.UpdateType.MESSAGE & sound, self._guarded(self._sound)),
            MessageHandler(
                alone & filters.UpdateType.MESSAGE & filters.TEXT & ~filters.COMMAND, self._guarded(self._search)
            ),
            MessageHandler(alone & filters.UpdateType.MESSAGE & ~filters.StatusUpdate.ALL, self._guarded(self._what)),
            CallbackQueryHandler(self._guarded(self._press)),
        )
        application.add_handlers(handlers)

    # --- messages ---

    async def _start(self, _: Update, message: Message, words: Words) -> None:
        await self._reply(message, Said(text=words.start))

    async def _what(self, _: Update, message: Message, words: Words) -> None:
        await self._reply(message, Said(text=words.what))

    async def _moods(self, _: Update, message: Message, words: Words) -> None:
        await self._reply(message, await self._listed(words))

    async def _taste(self, update: Update, message: Message, words: Words) -> None:
        await self._reply(message, await self._told(update, words))

    async def _search(self, _: Update, message: Message, words: Words) -> None:
        songs = await asyncio.to_thread(self._collection.search, message.text or "", limit=_LISTED)
        if not songs:
            await self._make_sure_of_songs()
        await self._reply(message, tell.choice(words, songs))

    async def _sound(self, update: Update, message: Message, words: Words) -> None:
        sound = sound_in(message)
        if sound is None:
            raise UnknownFormatError("the document is no sound", hint="send a sound file")
        most = self._settings.max_clip_bytes
        if sound.size is not None and sound.size > most:
            raise _too_large(most)
        self._count(update.effective_user)
        async with self._under_way(message, words, words.listening) as work:
            with self._desk.place(sound.size or most) as place:
                data = await self._fetched(message, sound)
                options = await self._options(update)
                await work.follow(place.take(Question(options=options, data=data)))

    # --- buttons ---

    async def _press(self, update: Update, message: Message, words: Words) -> None:
        data = update.callback_query.data if update.callback_query is not None else None
        match self._buttons.read(data or ""):
            case "like" | "dislike" as verdict, str(track_id):
                await asyncio.to_thread(self._tastes.put, _listener(update), track_id, verdict)
                await self._acknowledge(update, words.noted)
            case "back", str(track_id):
                await asyncio.to_thread(self._tastes.remove, _listener(update), track_id)
                await self._acknowledge(update, words.taken_back)
                await self._edit(message, await self._told(update, words))
            case name, str(value):
                await self._acknowledge(update)
                await self._open(update, message, words, name, value)
            case _:
                raise _old_button()

    async def _open(self, update: Update, message: Message, words: Words, name: str, value: str) -> None:
        match name:
            case "moods":
                await self._edit(message, await self._listed(words))
            case "mood":
                mood, _, first = value.partition(":")
                await self._edit(message, await self._of_mood(words, int(mood), first=int(first)))
            case "surprise":
                # The same update draws the same songs, should it come twice.
                await self._edit(message, await self._drawn(words, int(value), seed=update.update_id))
            case "kin":
                await self._kin(update, message, words, value)
            case "along":
                await self._take_along(update, message)
            case "forget":
                await self._edit(message, tell.sure(words))
            case "sure":
                await asyncio.to_thread(self._tastes.forget, _listener(update))
                await self._edit(message, Said(text=words.forgotten))
            case _:
                raise _old_button()

    async def _kin(self, update: Update, message: Message, words: Words, track_id: str) -> None:
        song = await asyncio.to_thread(self._collection.song, track_id)
        title = song["title"] or words.unknown
        self._count(update.effective_user)
        async with self._under_way(message, words, words.looking.format(title=title)) as work:
            with self._desk.place(0) as place:
                options = await self._options(update)
                ticket = place.take(Question(options=options, track_id=track_id))
                await work.follow(ticket, heading=words.like.format(title=title))

    async def _listed(self, words: Words) -> Said:
        await self._make_sure_of_songs()
        return tell.moods(words, await asyncio.to_thread(self._collection.moods))

    async def _of_mood(self, words: Words, number: int, *, first: int) -> Said:
        mood = await asyncio.to_thread(self._collection.mood, number)
        songs = await asyncio.to_thread(
            self._collection.songs_of_mood, number, order="typical", limit=first + _LISTED, seed=0
        )
        return tell.songs_of_mood(words, mood, songs[first:], first=first)

    async def _drawn(self, words: Words, number: int, *, seed: int) -> Said:
        mood = await asyncio.to_thread(self._collection.mood, number)
        songs = await asyncio.to_thread(
            self._collection.songs_of_mood, number, order="surprise", limit=_LISTED, seed=seed
        )
        return tell.songs_of_mood(words, mood, songs, first=None)

    async def _make_sure_of_songs(self) -> None:
        facts = await asyncio.to_thread(self._collection.facts)
        if not facts["tracks"]:
            raise EmptyCatalogueError("the catalogue is empty", hint="tunekin catalog add FOLDER")

    # --- taste ---

    async def _options(self, update: Update) -> ClipOptions:
        likes, dislikes = newest(await asyncio.to_thread(self._tastes.of, _listener(update)))
        return ClipOptions(likes=likes, dislikes=dislikes)

    async def _told(self, update: Update, words: Words) -> Said:
        told = await self._opinions(update)
        return tell.taste(words, told["likes"], told["dislikes"])

    async def _take_along(self, update: Update, message: Message) -> None:
        told = await self._opinions(update)
        await self._patiently(
            lambda: message.reply_document(
                msgspec.json.format(msgspec.json.encode(told)), filename="tunekin-taste.json"
            )
        )

    async def _opinions(self, update: Update) -> dict[str, list[dict[str, Any]]]:
        opinions = await asyncio.to_thread(self._tastes.of, _listener(update))
        return await asyncio.to_thread(self._collection.taste, opinions)

    # --- Telegram ---

    async def _fetched(self, message: Message, sound: Sound) -> bytes:
        async def fetch() -> bytes:
            file = await message.get_bot().get_file(sound.file_id)
            if (file.file_size or 0) > self._settings.max_clip_bytes:
                raise _too_large(self._settings.max_clip_bytes)
            return bytes(await file.download_as_bytearray())

        try:
            async with asyncio.timeout(_FETCH_S):
                data = await self._patiently(fetch)
        except BadRequest as error:
            if "too big" in error.message:
                raise _too_large(self._settings.max_clip_bytes) from None
            raise LostError(error.message, hint="send it again") from None
        except (InvalidToken, TimeoutError):
            # A path that is not valid any more is answered as a wrong token is.
            raise LostError("the sound could not be fetched", hint="send it again") from None
        if len(data) > self._settings.max_clip_bytes:
            raise _too_large(self._settings.max_clip_bytes)
        return data

    def _count(self, user: User | None) -> None:
        number = user.id if user is not None else 0
        try:
            self._rate.take(str(number))
        except TooManyError:
            if number in self._warned:
                raise _TwiceError from None
            if len(self._warned) >= _WARNED:
                self._warned.clear()
            self._warned.add(number)
            raise
        self._warned.discard(number)

    async def _reply(self, message: Message, said: Said) -> Message:
        return await self._patiently(
            lambda: message.reply_text(
                said.text,
                parse_mode=ParseMode.HTML,
                reply_markup=self._buttons.below(said),
                do_quote=True,
                allow_sending_without_reply=True,
            )
        )

    async def _edit(self, message: Message, said: Said) -> None:
        try:
            await self._patiently(
                lambda: message.edit_text(said.text, parse_mode=ParseMode.HTML, reply_markup=self._buttons.below(said))
            )
        except BadRequest as error:
            # What an update that came twice did already.
            if "not modified" in error.message:
                return
            # Deleted, or too old to be changed.
            await self._reply(message, said)

    async def _acknowledge(self, update: Update, text: str | None = None) -> None:
        """Take the clock off a button that was pressed, and show a word over the chat for a moment."""
        query = update.callback_query
        if query is not None:
            # A button that is too old has no clock.
            with contextlib.suppress(BadRequest):
                await self._patiently(lambda: query.answer(text))

    @contextlib.asynccontextmanager
    async def _under_way(self, message: Message, words: Words, begun: str) -> AsyncIterator["_Work"]:
        """Say that a question is being worked on, and whatever comes of it in place of that."""
        shown = await self._reply(message, tell.progress(words, begun, ()))
        typing = asyncio.create_task(_type(message))
        most = self._settings.max_clip_bytes
        work = _Work(lambda said: self._edit(shown, said), words, begun, most_bytes=most)
        try:
            yield work
        except TelegramError:
            raise
        except Exception as error:  # noqa: BLE001 - whoever asked is told whatever it is
            await self._edit(shown, self._trouble(words, error))
        finally:
            typing.cancel()
            await asyncio.wait({typing})

    def _trouble(self, words: Words, error: Exception) -> Said:
        """Put an error into words; a defect is logged, without what was sent."""
        match error:
            case TooManyError():
                return Said(text=words.too_often.format(s=error.retry_after_s))
            case RefusedError():
                problem = Problem(code=error.code, message=error.message, hint=error.hint)
                return tell.problem(words, problem, wait_s=error.retry_after_s)
            case TunekinError():
                return tell.problem(words, problem_of(error), most_bytes=self._settings.max_clip_bytes)
            case _:
                # Where it was, and neither its text nor its variables: they may hold what was sent.
                frame = traceback.extract_tb(error.__traceback__)[-1]
                _log.error("telegram.defect", error=type(error).__name__, where=f"{frame.name}:{frame.lineno}")
                return tell.problem(words, Problem(code="internal", message=""))

    def _guarded(self, handler: _Handler) -> Callable[[Update, _Context], Coroutine[Any, Any, None]]:
        async def guarded(update: Update, _: _Context) -> None:
            message, user = update.effective_message, update.effective_user
            words = WORDS[language_of(user.language_code if user is not None else None)]
            with _given_up():
                if message is None:
                    await self._acknowledge(update, words.errors[OldButtonError.code])
                    return
                try:
                    await handler(update, message, words)
                except (TelegramError, _TwiceError):
                    raise
                except Exception as error:  # noqa: BLE001 - whoever asked is told whatever it is
                    await self._reply(message, self._trouble(words, error))

        return guarded


class _TwiceError(Exception):
    """Somebody was told that already."""


class _Work:
    """A question under way, and the message that says how far it is.

    Parameters
    ----------
    said : callable
        Says something in that message.
    words : Words
        The language.
    begun : str
        What is being done.
    most_bytes : int
        Largest sound that is taken.
    """

    def __init__(self, said: Callable[[Said], Awaitable[None]], words: Words, begun: str, *, most_bytes: int) -> None:
        self._said = said
        self._words = words
        self._begun = begun
        self._most_bytes = most_bytes

    async def follow(self, ticket: Ticket, *, heading: str = "") -> None:
        """Tell how far a question is, and then its answer.

        Parameters
        ----------
        ticket : Ticket
            Of the question.
        heading : str
            Comes before the answer.
        """
        shown_s = time.monotonic()
        async for count, answer in ticket.watch():
            if answer is not None:
                await self._said(tell.answer(self._words, answer, heading=heading, most_bytes=self._most_bytes))
            elif time.monotonic() - shown_s >= _PROGRESS_S:
                shown_s = time.monotonic()
                await self._said(tell.progress(self._words, self._begun, ticket.stages[:count]))


@contextlib.contextmanager
def _given_up() -> Iterator[None]:
    """Go on where there is nobody to tell."""
    try:
        yield
    except _TwiceError:
        pass
    except TelegramError as error:
        # Its user has blocked the bot, say.
        _log.warning("telegram.given_up", error=type(error).__name__)


async def _type(message: Message) -> None:
    """Show that the bot is at work, for as long as it is."""
    while True:
        # An ornament: it is asked for once, and nothing is lost without it.
        with contextlib.suppress(TelegramError):
            await message.reply_chat_action(ChatAction.TYPING)
        await asyncio.sleep(_TYPING_S)


def _listener(update: Update) -> str:
    """Name whoever sent an update, as `tunekin.catalogue.tastes` knows people of Telegram."""
    user = update.effective_user
    return f"telegram:{user.id}" if user is not None else ""


def _old_button() -> OldButtonError:
    return OldButtonError("the button is too old", hint="search again")


def _too_large(most: int) -> AudioTooLargeError:
    return AudioTooLargeError(f"the sound has more than {most} bytes", hint="send the few seconds that matter")
