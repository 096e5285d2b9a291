"""The page of a run: whole, without anything from elsewhere, and safe whatever songs are called."""

import struct
from html.parser import HTMLParser

import msgspec
import pytest

from tests.unit.training import reports
from tunekin_training.page import report_page
from tunekin_training.plots import draw


@pytest.fixture(scope="module")
def plots():
    return draw(reports.report())


def page(plots, **changes):
    report = msgspec.structs.replace(reports.report(), **changes)
    return report_page(report, plots=plots, model_version="m1", command="tunekin train --out 'A & B'")


def test_every_plot_is_a_picture_and_the_same_each_time(plots):
    assert set(plots) == {"elbow", "map", "curves", "confusion", "calibration", "stability", "learning"}
    for document in plots.values():
        assert document.startswith(b"\x89PNG")
        assert min(struct.unpack(">II", document[16:24])) > 300
    assert draw(reports.report()) == plots


def test_the_page_shows_what_was_found(plots):
    text = page(plots)
    for fact in ("노래 모음", "The elbow is at 2", "dnn_accuracy", "0.812", "40%", "a &amp; b", "0.99", "0.98"):
        assert fact in text
    # The map has a title for every dot; the other pictures are in the page itself.
    assert text.count("<circle") == text.count("<title>track &lt;") == 4
    assert text.count("data:image/png;base64,") == 6


def test_the_page_is_well_formed_and_loads_nothing(plots):
    opened: list[str] = []
    links: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            links.extend(value for name, value in attrs if name in {"src", "href"} and not value.startswith("data:"))
            if tag not in {"meta", "img", "br"}:
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    reader = Reader()
    reader.feed(page(plots))
    reader.close()
    assert (opened, links) == ([], [])
    assert "<songs>" not in page(plots)
    assert "<0>" not in page(plots)


def test_a_network_behind_its_yardstick_is_said_to_be_and_why(plots):
    assert "falls short of its yardstick by 0.038" in page(plots)
    assert "0.700 from half of the artists, 0.800 from all" in page(plots)
    even = {"dnn_accuracy": 0.85, "xgboost_accuracy": 0.85}
    assert "reaches its yardstick" in page(plots, metrics=even)
    assert "do not help" in page(plots, learning={"0.25": 0.8, "0.50": 0.8, "1.00": 0.8})


def test_an_elbow_that_is_not_clear_is_not_drawn(plots):
    assert "not clear" in page(plots, elbow=None)
