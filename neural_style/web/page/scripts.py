"""The page's JavaScript: what the browser does without asking the server."""

from __future__ import annotations

import json

from neural_style.messages import Message
from neural_style.web.page.status_view import status_html
from neural_style.web.run import status
from neural_style.web.text.languages import DEFAULT_LANGUAGE, LANGUAGES

BROWSER_LANGUAGE_JS = (
    f"({json.dumps([*LANGUAGES])}.find((code) => navigator.language.toLowerCase().startsWith(code))"
    f' ?? "{DEFAULT_LANGUAGE}")'
)
"""JavaScript: the page language that fits the browser's."""

SET_DOCUMENT_LANGUAGE_JS = f"() => {{ document.documentElement.lang = {BROWSER_LANGUAGE_JS}; }}"

SCROLL_TO_STATUS_JS = """() => {
  const block = window.innerWidth <= 768 ? "start" : "nearest";
  document.querySelector("#status").scrollIntoView({behavior: "smooth", block});
}"""
"""On a phone the result is far below the button, so the page scrolls to it; elsewhere only where
the status is out of view, as from the button of an album."""

MARK_FIELD_JS = """() => {
  document.querySelectorAll(".faulty").forEach((field) => field.classList.remove("faulty"));
  const name = document.querySelector("#status [data-field]")?.dataset.field;
  const field = name && document.getElementById(name);
  if (!field) return;
  field.classList.add("faulty");
  field.scrollIntoView({behavior: "smooth", block: "nearest"});
}"""
"""Marks the input that the status names as wrong, and brings it into view."""

WATCH_CONNECTION_JS = """() => {
  const line = document.querySelector("#offline");
  const show = () => { line.dataset.shown = navigator.onLine ? "" : "yes"; };
  window.addEventListener("online", show);
  window.addEventListener("offline", show);
  show();
  const send = window.fetch;
  window.fetch = async (...request) => {
    try {
      return await send(...request);
    } catch (error) {
      if (String(request[0]?.url ?? request[0]).includes("/queue/join"))
        document.querySelector("#connection-lost").click();
      throw error;
    }
  };
}"""
"""Shows a line while the browser is offline, and presses a hidden button if a run could not
be requested: Gradio's page triggers no event then."""

COPY_LINK_JS = """(query) => {
  if (!query) return "";
  const link = window.location.origin + window.location.pathname + query;
  navigator.clipboard?.writeText(link).catch(() => {});
  return link;
}"""

SET_ROLE_OF_EMPTY_JS = """() => {
  const name = () => document.querySelectorAll(".empty[aria-label]:not([role])")
    .forEach((place) => place.setAttribute("role", "img"));
  new MutationObserver(name).observe(document.body, {childList: true, subtree: true});
  name();
}"""
"""Gradio gives empty placeholders a label without a role, which screen readers ignore."""


def start_js() -> str:
    """JavaScript: the status and the buttons at once, before the server answers."""
    starting = json.dumps(
        {code: status_html(status.preparing("starting", code)) for code in LANGUAGES}
    )
    hide, show, disable = (
        json.dumps({"__type__": "update", **change})
        for change in ({"visible": False}, {"visible": True}, {"interactive": False})
    )
    return f"(language) => [({starting})[language], {hide}, {hide}, {show}, {disable}, {disable}]"


def stopping_js() -> str:
    """JavaScript: the status between Stop and the end of the run."""
    stopping = {code: status_html(status.stopping(code)) for code in LANGUAGES}
    return f"(language) => ({json.dumps(stopping)})[language]"


def failure_js() -> str:
    """JavaScript: the status after an error of the program or a lost connection."""
    failed = {code: status_html(status.failed(Message("unexpected"), code)) for code in LANGUAGES}
    return f"(language) => ({json.dumps(failed)})[language]"


def end_js() -> str:
    """JavaScript: the buttons as they are while nothing runs."""
    hide, show, enable = (
        json.dumps({"__type__": "update", **change})
        for change in ({"visible": False}, {"visible": True}, {"interactive": True})
    )
    return f"() => [{show}, {show}, {hide}, {enable}, {enable}]"
