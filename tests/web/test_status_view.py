"""The status area as HTML, and the details of a run as Markdown."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from neural_style.web.page.status_view import details_text, status_html
from neural_style.web.run.status import Status

HOSTILE = """<img src=x onerror="alert('1')">&lt;</strong>"""


class Parser(HTMLParser):
    """Collects the tags with their attributes, and the texts between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_every_text_is_escaped():
    page = Parser(status_html(Status("failed", HOSTILE, HOSTILE, field=HOSTILE)))
    assert [tag for tag, _ in page.tags] == ["div", "strong", "p"]
    assert page.texts == [HOSTILE, HOSTILE]
    assert page.tags[0][1]["data-field"] == HOSTILE


def test_status_is_a_live_region_with_its_kind_and_field():
    (tag, attributes), *_ = Parser(status_html(Status("failed", "No.", field="seed"))).tags
    assert (tag, attributes) == (
        "div",
        {"class": "status failed", "data-field": "seed", "role": "status", "aria-live": "polite"},
    )


def test_missing_detail_makes_no_paragraph():
    assert [tag for tag, _ in Parser(status_html(Status("idle", "Ready."))).tags] == [
        *("div", "strong")
    ]


@pytest.mark.parametrize(
    ("fraction", "style"),
    [(0.0, "width:0.0%"), (0.2564, "width:25.6%"), (1.0, "width:100.0%")],
)
def test_bar_of_a_busy_status_is_as_wide_as_its_fraction(fraction, style):
    page = Parser(status_html(Status("busy", "Painting", fraction=fraction)))
    assert page.tags[-2:] == [
        ("div", {"class": "bar"}),
        ("div", {"class": "filled", "style": style}),
    ]


def test_unknown_fraction_has_no_bar():
    assert "bar" not in status_html(Status("busy", "In line"))


@pytest.mark.parametrize("kind", ["idle", "done", "failed"])
def test_status_has_a_bar_only_while_busy(kind):
    assert "bar" not in status_html(Status(kind, "Words", "More", fraction=1.0))


def test_losses_and_note_are_in_the_details_only():
    status = Status("done", "Done", "4 steps", "content 1", "vgg19 weights: tiny")
    assert Parser(status_html(status)).texts == ["Done", "4 steps"]
    assert details_text(status) == "content 1  \nvgg19 weights: tiny"
    assert details_text(Status("idle", "Ready.", note="vgg19")) == "vgg19"
    assert details_text(Status("idle", "Ready.")) == ""


def test_details_escape_markdown_and_html():
    status = Status("done", "Done", losses="**content** 1", note="<b>[a](//evil)</b>")
    assert details_text(status) == r"\*\*content\*\* 1" + "  \n" + r"\<b\>\[a\](//evil)\</b\>"
