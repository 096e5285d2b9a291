"""A server that speaks the Bot API (https://core.telegram.org/bots/api), as far as the bot uses it, and its users."""

import asyncio
import contextlib
import email
import itertools
import json
import re
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "123456:a-token_that-Nobody_may_see"
PATIENCE_S = 60.0


@dataclass
class Shown:
    """A message of the bot, as its user sees it at present."""

    number: int
    chat: int
    text: str
    markup: dict[str, Any] | None
    before: list[str] = field(default_factory=list)

    @property
    def buttons(self) -> dict[str, str]:
        """What each button carries, by its label."""
        rows = (self.markup or {"inline_keyboard": []})["inline_keyboard"]
        return {button["text"]: button["callback_data"] for row in rows for button in row}


class BotApi:
    """The server, and what people do in their apps."""

    def __init__(self) -> None:
        self.address = ""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.shown: dict[int, Shown] = {}
        self.documents: list[bytes] = []
        self.files: dict[str, bytes] = {}
        # What to answer in place of the truth, by method; used up one by one.
        self.failures: defaultdict[str, list[Response]] = defaultdict(list)
        # Methods whose answers do not come until they are taken out.
        self.held: set[str] = set()
        self._updates: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()

    # --- what people do ---

    def says(self, text: str, *, user: int = 7, language: str | None = "en") -> int:
        """Somebody types."""
        content: dict[str, Any] = {"text": text}
        if text.startswith("/"):
            content["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]
        return self._receive(content, user=user, language=language)

    def sends(
        self, data: bytes, *, kind: str = "voice", user: int = 7, language: str | None = "en", **known: Any
    ) -> int:
        """Somebody sends a file."""
        file_id = f"file-{next(self._numbers)}"
        self.files[file_id] = data
        about: dict[str, Any] = {"file_id": file_id, "file_unique_id": file_id, "file_size": len(data)}
        kinds: dict[str, dict[str, Any]] = {
            "voice": {"duration": 6, "mime_type": "audio/ogg"},
            "audio": {"duration": 6, "mime_type": "audio/mp4"},
            "video_note": {"duration": 6, "length": 64},
            "video": {"duration": 6, "width": 64, "height": 64},
            "document": {"file_name": "sound.flac", "mime_type": "audio/flac"},
        }
        return self._receive({kind: about | kinds[kind] | known}, user=user, language=language)

    def presses(self, message: Shown, label: str, *, user: int = 7, language: str | None = "en") -> int:
        """Somebody presses a button."""
        return self.presses_data(message, message.buttons[label], user=user, language=language)

    def presses_data(self, message: Shown, data: str, *, user: int = 7, language: str | None = "en") -> int:
        """Somebody presses a button that carries so much."""
        old = {"message_id": message.number, "date": 1, "chat": _chat(message.chat), "from": _user(1), "text": "old"}
        query = {
            "id": str(next(self._numbers)),
            "from": _user(user, language),
            "message": old,
            "chat_instance": "1",
            "data": data,
        }
        return self.add({"callback_query": query})

    def add(self, update: dict[str, Any]) -> int:
        """Put an update into the queue; its number."""
        with self._changed:
            number = next(self._numbers)
            self._updates.append({"update_id": number, **update})
            return number

    def again(self, number: int, update: dict[str, Any]) -> None:
        """Put an update into the queue once more."""
        with self._changed:
            self._updates.append({"update_id": number, **update})

    def _receive(self, content: dict[str, Any], *, user: int, language: str | None) -> int:
        message = {"message_id": next(self._numbers), "date": 1, "chat": _chat(user), "from": _user(user, language)}
        return self.add({"message": message | content})

    # --- what people see ---

    @property
    def waiting(self) -> list[int]:
        """Numbers of the updates that are not confirmed."""
        with self._changed:
            return [update["update_id"] for update in self._updates]

    def wait_for(self, holds: Callable[[], Any]) -> Any:
        """Wait until something holds, and give it."""
        with self._changed:
            assert self._changed.wait_for(holds, PATIENCE_S), f"it never came about; shown: {[*self.shown.values()]}"
            return holds()

    def answer(self, after: int, pattern: str = "", *, user: int = 7) -> Shown:
        """The first message to somebody after an update that comes to hold a pattern."""

        def found() -> Shown | None:
            return next(
                (
                    one
                    for one in self.shown.values()
                    if one.number > after and one.chat == user and re.search(pattern, one.text)
                ),
                None,
            )

        shown: Shown = self.wait_for(found)
        return shown

    def called(self, method: str) -> list[dict[str, Any]]:
        """What was asked by a method."""
        with self._changed:
            return [given for name, given in self.calls if name == method]

    # --- the server ---

    @contextlib.contextmanager
    def serving(self) -> Iterator["BotApi"]:
        """Be there until the block ends."""
        routes = [
            Route("/bot{token}/{method}", self._call, methods=["GET", "POST"]),
            Route("/file/bot{token}/{path:path}", self._download),
        ]
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
            config = uvicorn.Config(Starlette(routes=routes), log_config=None, access_log=False, lifespan="off")
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            try:
                yield self
            finally:
                server.should_exit = True
                thread.join(PATIENCE_S)

    async def _call(self, request: Request) -> Response:
        method = request.path_params["method"]
        try:
            given = _given(request.headers.get("content-type", ""), await request.body())
        except ClientDisconnect:
            return Response()
        with self._changed:
            self.calls.append((method, given))
            self._changed.notify_all()
            if self.failures[method]:
                return self.failures[method].pop(0)
        while method in self.held and not await request.is_disconnected():  # noqa: ASYNC110 -- set by another thread
            await asyncio.sleep(0.01)
        if request.path_params["token"] != TOKEN:
            return _refusal(401, "Unauthorized")
        if method == "getUpdates":
            return await self._get_updates(request, given)
        with self._changed:
            response = self._answer(method, given)
            self._changed.notify_all()
            return response

    async def _get_updates(self, request: Request, given: dict[str, Any]) -> Response:
        waited_s = 0.0
        while True:
            with self._changed:
                self._updates = [one for one in self._updates if one["update_id"] >= given.get("offset", 0)]
                self._changed.notify_all()
                if self._updates or waited_s >= given.get("timeout", 0) or await request.is_disconnected():
                    return _result(self._updates[:100])
            await asyncio.sleep(0.01)
            waited_s += 0.01

    def _answer(self, method: str, given: dict[str, Any]) -> Response:  # noqa: C901, PLR0911 -- a line for each case
        match method:
            case "getMe":
                return _result(_user(1, None) | {"is_bot": True, "username": "tunekin_bot"})
            case "getFile":
                data = self.files.get(given["file_id"])
                if data is None:
                    return _refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
                if len(data) > 20 * 1024 * 1024:
                    return _refusal(400, "Bad Request: file is too big")
                name = given["file_id"]
                return _result(
                    {"file_id": name, "file_unique_id": name, "file_size": len(data), "file_path": f"x/{name}"}
                )
            case "sendMessage":
                shown = Shown(next(self._numbers), given["chat_id"], given["text"], given.get("reply_markup"))
                self.shown[shown.number] = shown
                return _result(_message(shown))
            case "editMessageText":
                known = self.shown.get(given["message_id"])
                if known is None:
                    return _refusal(400, "Bad Request: message to edit not found")
                if (known.text, known.markup) == (given["text"], given.get("reply_markup")):
                    return _refusal(400, "Bad Request: message is not modified")
                known.before.append(known.text)
                known.text, known.markup = given["text"], given.get("reply_markup")
                return _result(_message(known))
            case "sendDocument":
                self.documents.append(given["document"])
                shown = Shown(next(self._numbers), given["chat_id"], "", None)
                return _result(_message(shown))
            case "sendChatAction" | "answerCallbackQuery" | "setMyCommands" | "deleteWebhook":
                return _result(True)
            case _:
                return _refusal(404, "Not Found")

    async def _download(self, request: Request) -> Response:
        with self._changed:
            self.calls.append(("download", {}))
            if self.failures["download"]:
                return self.failures["download"].pop(0)
            data = self.files.get(request.path_params["path"].removeprefix("x/"))
        if request.path_params["token"] != TOKEN or data is None:
            return _refusal(404, "Not Found")
        return Response(data)


def too_many(retry_after: int) -> Response:
    """What Telegram answers to a flood."""
    return JSONResponse(
        {
            "ok": False,
            "error_code": 429,
            "description": "Too Many Requests",
            "parameters": {"retry_after": retry_after},
        },
        429,
    )


def bad_gateway() -> Response:
    """What a proxy in front of Telegram answers while Telegram is away."""
    return Response("<html>502 Bad Gateway</html>", 502, media_type="text/html")


def no_json() -> Response:
    """What comes of an answer that was cut off, and not noticed."""
    return Response('{"ok": true, "resu', 200, media_type="application/json")


def broken_off() -> Response:
    """A connection that ends in the middle of an answer."""
    return Response(b"{", 200, headers={"Content-Length": "1000"})


def refusal(status: int, description: str) -> Response:
    """What Telegram answers to what it does not do."""
    return _refusal(status, description)


def _result(result: Any) -> Response:
    return JSONResponse({"ok": True, "result": result})


def _refusal(status: int, description: str) -> Response:
    return JSONResponse({"ok": False, "error_code": status, "description": description}, status)


def _given(content_type: str, body: bytes) -> dict[str, Any]:
    """Fields of a form; of one with files too."""
    if not content_type.startswith("multipart/"):
        return {name: _value(values[0]) for name, values in parse_qs(body.decode()).items()}
    parsed = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    given: dict[str, Any] = {}
    for part in parsed.walk():
        name, data = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(data, bytes):
            given[name] = data if part.get_filename() else _value(data.decode())
    # The field of a file may refer to another by its name.
    for name, value in given.items():
        if isinstance(value, str) and value.startswith("attach://"):
            given[name] = given[value.removeprefix("attach://")]
    return given


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _user(number: int, language: str | None = None) -> dict[str, Any]:
    known = {"language_code": language} if language else {}
    return {"id": number, "is_bot": False, "first_name": "Somebody", **known}


def _chat(number: int) -> dict[str, Any]:
    return {"id": number, "type": "private", "first_name": "Somebody"}


def _message(shown: Shown) -> dict[str, Any]:
    return {"message_id": shown.number, "date": 1, "chat": _chat(shown.chat), "text": shown.text}
