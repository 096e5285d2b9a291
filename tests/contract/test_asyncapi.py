"""The published contract is what the code does."""

import re

import pytest
import yaml

from tests.architecture.repository import ROOT
from tests.contract import examples
from tunekin import asyncapi, codec
from tunekin.dead_letters import bury
from tunekin.messages import Problem
from tunekin.ports import Record
from tunekin.topics import TOPICS, topic_for

DOCUMENT = yaml.safe_load((ROOT / "deploy" / "asyncapi.yaml").read_text(encoding="utf-8"))


def test_the_published_document_is_what_the_code_says() -> None:
    assert asyncapi.document() == DOCUMENT, "write it anew: tunekin topics --asyncapi >deploy/asyncapi.yaml"


def test_every_topic_is_a_channel_with_the_messages_that_it_carries() -> None:
    assert {name: set(channel["messages"]) for name, channel in DOCUMENT["channels"].items()} == {
        topic.name: {message.__name__ for message in topic.carries} or {"DeadLetter"} for topic in TOPICS.values()
    }


@pytest.mark.parametrize("message", examples.EXAMPLES.values(), ids=lambda message: type(message).__name__)
def test_a_record_has_only_headers_that_its_message_describes(message) -> None:
    described = DOCUMENT["components"]["messages"][type(message).__name__]["headers"]
    headers = dict(codec.encode(message).headers)
    assert set(headers) <= set(described["properties"])
    assert set(described.get("required", [])) <= set(headers)
    assert type(message).__name__ in DOCUMENT["channels"][topic_for(message).name]["messages"]
    for name, value in headers.items():
        pattern = described["properties"][name].get("pattern", "")
        assert re.search(pattern, value.decode())


def test_a_dead_letter_has_the_headers_that_its_message_describes() -> None:
    letter = bury(
        Record(topic="clips", key=b"k", value=None), Problem(code="c", message="m"), stage="s", attempt=1, failed_ms=1.5
    )
    described = DOCUMENT["components"]["messages"]["DeadLetter"]["headers"]["properties"]
    assert set(dict(letter.headers)) == set(described)


def test_every_reference_of_the_document_leads_somewhere() -> None:
    text = (ROOT / "deploy" / "asyncapi.yaml").read_text(encoding="utf-8")
    for reference in set(re.findall(r"\$ref: '#/([^']+)'", text)):
        place = DOCUMENT
        for part in reference.split("/"):
            place = place[part]


def test_the_page_for_publishers_names_every_header_that_they_may_send() -> None:
    page = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("producers.md", "distributed.md"))
    headers = {name for name in asyncapi.HEADERS if name != "ce_specversion"}
    assert {name for name in headers if f"`{name}`" not in page} == set()
    assert codec.__doc__
    documented = {name for name in headers if name.startswith("ce_")}
    assert {name for name in documented if f"``{name}``" not in codec.__doc__} == set()
