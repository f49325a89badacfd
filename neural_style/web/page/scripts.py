"""The page's JavaScript: what the browser does without asking the server."""

from __future__ import annotations

import json

from neural_style.web.text.languages import DEFAULT_LANGUAGE, LANGUAGES

BROWSER_LANGUAGE_JS = (
    f"({json.dumps([*LANGUAGES])}.find((code) => navigator.language.toLowerCase().startsWith(code))"
    f' ?? "{DEFAULT_LANGUAGE}")'
)
"""JavaScript: the page language that fits the browser's."""

SET_DOCUMENT_LANGUAGE_JS = f"() => {{ document.documentElement.lang = {BROWSER_LANGUAGE_JS}; }}"

SCROLL_TO_PROGRESS_JS = """() => {
  const missing = ["content", "style"].find((name) => !document.querySelector(`#${name} img`));
  document.querySelector(missing ? `#${missing}` : "#progress")
    .scrollIntoView({behavior: "smooth", block: "nearest"});
  if (!missing && window.innerWidth <= 640)
    document.querySelector("#progress").scrollIntoView({behavior: "smooth", block: "start"});
}"""
"""On a phone the result is far below the button, so the page scrolls to it."""

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


def set_interactive_js(interactive: bool) -> str:
    """JavaScript that enables or disables the two buttons that start a run."""
    change = json.dumps({"__type__": "update", "interactive": interactive})
    return f"() => [{change}, {change}]"
