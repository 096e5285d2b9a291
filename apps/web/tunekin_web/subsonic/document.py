"""A response of the protocol as XML, JSON or JSONP; the three say the same.

In XML a value is an attribute, a dictionary an element, and a list the same element again and again: of values, each is
the text of one. The one departure is that of servers in use: ``similarity`` of a ``sonicMatch`` is an element.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

import tunekin
from tunekin_web.subsonic.problems import Code, SubsonicError

__all__ = ["VERSION", "failed", "ok", "write"]

VERSION = "1.16.1"
_NAMESPACE = "http://subsonic.org/restapi"
_ELEMENTS = frozenset({"similarity"})
# A name that a script can be called by, and nothing that would be a script of its own.
_CALLBACK = re.compile(r"[A-Za-z_$][\w$.]{0,127}", re.ASCII)
# What XML 1.0 has no way to write.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def ok(content: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Make the response to a request that went well.

    Parameters
    ----------
    content : mapping of str to object or None
        What it gives.

    Returns
    -------
    dict
        What `write` takes.
    """
    return _response("ok", content or {})


def failed(error: SubsonicError) -> dict[str, Any]:
    """Make the response to a request that did not.

    Parameters
    ----------
    error : SubsonicError
        Why.

    Returns
    -------
    dict
        What `write` takes.
    """
    return _response("failed", {"error": {"code": int(error.code), "message": error.message}})


def write(response: Mapping[str, Any], sent: Mapping[str, str]) -> tuple[str, str]:
    """Write a response as its client wants it.

    Parameters
    ----------
    response : mapping
        Of `ok` or `failed`.
    sent : mapping of str to str
        The request's parameters, of which ``f`` and ``callback`` matter; XML where ``f`` says nothing else.

    Returns
    -------
    tuple of (str, str)
        The text and its media type.

    Raises
    ------
    SubsonicError
        A callback that is missing, or no name.
    """
    match sent.get("f"):
        case "json":
            return _json(response), "application/json"
        case "jsonp":
            callback = sent.get("callback", "")
            if not _CALLBACK.fullmatch(callback):
                raise SubsonicError(Code.MISSING_PARAMETER, "callback is missing, or no name of a function")
            return f"{callback}({_json(response)});", "application/javascript"
        case _:
            root = _element("subsonic-response", response)
            root.set("xmlns", _NAMESPACE)
            text = ET.tostring(root, encoding="unicode")
            return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', "text/xml"


def _response(status: str, content: Mapping[str, Any]) -> dict[str, Any]:
    about = {"version": VERSION, "type": "tunekin", "serverVersion": tunekin.__version__, "openSubsonic": True}
    return {"status": status} | about | dict(content)


def _json(response: Mapping[str, Any]) -> str:
    # In a script two line ends that JSON may hold would end a statement; escaped, they harm nobody.
    return json.dumps({"subsonic-response": response})


def _element(name: str, content: Mapping[str, Any]) -> ET.Element:
    element = ET.Element(name)
    for key, value in content.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                element.append(_element(key, item))
            elif isinstance(value, list) or key in _ELEMENTS:
                ET.SubElement(element, key).text = _text(item)
            else:
                element.set(key, _text(item))
    return element


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _UNWRITABLE.sub(" ", str(value))
