"""Responses of the Subsonic protocol: what XML, JSON and JSONP say."""

import json
from xml.etree import ElementTree as ET

import pytest

from tunekin_web.subsonic import document
from tunekin_web.subsonic.problems import Code, SubsonicError

SONG = {"id": "1", "isDir": False, "title": 'Über & <"alles">', "isrc": ["A", "B"]}
NAMESPACE = "{http://subsonic.org/restapi}"


def xml_of(content: dict[str, object]) -> ET.Element:
    text, media_type = document.write(document.ok(content), {})
    assert media_type == "text/xml"
    return ET.fromstring(text)


def test_json_says_who_answers_and_what():
    text, media_type = document.write(document.ok({"song": SONG}), {"f": "json"})
    response = json.loads(text)["subsonic-response"]
    assert media_type == "application/json"
    assert response["song"] == SONG
    assert (response["status"], response["version"], response["type"]) == ("ok", "1.16.1", "tunekin")
    assert response["openSubsonic"] is True
    assert response["serverVersion"]


def test_in_xml_values_are_attributes_and_lists_are_elements_again_and_again():
    root = xml_of({"song": SONG})
    song = root.find(f"{NAMESPACE}song")
    assert root.tag == f"{NAMESPACE}subsonic-response"
    assert (root.get("status"), root.get("openSubsonic")) == ("ok", "true")
    assert (song.get("title"), song.get("isDir")) == (SONG["title"], "false")
    assert [isrc.text for isrc in song.findall(f"{NAMESPACE}isrc")] == ["A", "B"]


def test_in_xml_a_similarity_is_an_element_beside_its_entry():
    first, second = xml_of({"sonicMatch": [{"entry": SONG, "similarity": 0.5}, {"entry": SONG, "similarity": 1.0}]})
    assert first.find(f"{NAMESPACE}entry").get("id") == "1"
    assert [match.findtext(f"{NAMESPACE}similarity") for match in (first, second)] == ["0.5", "1.0"]


def test_what_xml_can_not_write_becomes_a_space():
    assert xml_of({"song": {"title": "a\x00b\x1bc\ud800d\ufffe"}})[0].get("title") == "a b c d "


def test_jsonp_calls_the_function_that_the_client_names():
    text, media_type = document.write(document.ok(), {"f": "jsonp", "callback": "library.got_1"})
    assert media_type == "application/javascript"
    assert text.startswith('library.got_1({"subsonic-response":')
    assert text.endswith("});")


@pytest.mark.parametrize("callback", ["", "alert(1)//", "a b", "1a", "a;b", "é" * 3, "x" * 200])
def test_a_callback_that_is_no_name_is_refused(callback):
    with pytest.raises(SubsonicError, match="callback"):
        document.write(document.ok(), {"f": "jsonp", "callback": callback})


def test_a_line_end_of_scripts_can_not_end_a_statement():
    text, _ = document.write(document.ok({"song": {"title": "a\u2028b"}}), {"f": "jsonp", "callback": "f"})
    assert "\u2028" not in text


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_a_failure_has_its_number_and_its_reason(kind):
    text, _ = document.write(document.failed(SubsonicError(Code.NOT_FOUND, "no such song")), {"f": kind})
    if kind == "json":
        response = json.loads(text)["subsonic-response"]
        assert (response["status"], response["error"]) == ("failed", {"code": 70, "message": "no such song"})
    else:
        root = ET.fromstring(text)
        assert root.get("status") == "failed"
        assert root.find(f"{NAMESPACE}error").attrib == {"code": "70", "message": "no such song"}
