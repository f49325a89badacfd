"""The page's own CSS, added to Gradio's theme."""

from __future__ import annotations

import json

from neural_style.web.text.languages import DEFAULT_LANGUAGE, LANGUAGES
from neural_style.web.text.texts import translate

CSS = """
.gradio-container { max-width: 1320px !important; margin: auto; }
#result img { width: 100%; height: 100%; object-fit: contain; }
#progress { align-items: center; flex-wrap: nowrap; }
#status { min-height: 5em; }
#stop { align-self: center; }
#part-shown img { cursor: crosshair; }
#part-line { min-height: 4.5em; }
#paint-line { min-height: 3em; }
#paint .toolbar-wrap { left: 0; }
#takers { flex-wrap: nowrap; gap: var(--spacing-lg); }
#takers button { white-space: normal; min-width: 0 !important; padding: var(--spacing-sm); }
#after { align-items: end; }
#chart { padding-bottom: 2.5rem; }
button[role=tab].selected { color: var(--primary-700); }
.dark button[role=tab].selected, .dark #files a { color: var(--primary-300); }
@media (max-width: 640px) {
  #status { min-height: 10em; }
  #result { height: 75vw !important; }
  #gallery { height: calc(100vw - 3.5rem) !important; }
  #gallery .grid-container, #earlier .grid-container {
    grid-template-columns: repeat(2, minmax(0, 1fr)) !important;
  }
}
"""


def _css_string(key: str, language: str) -> str:
    """The translated text as a string in CSS."""
    return json.dumps(translate(key, language), ensure_ascii=False)


# Gradio gives every toast message an English title; CSS replaces it in the other languages.
CSS += "".join(
    f"""
:lang({code}) .toast-title {{ font-size: 0; }}
:lang({code}) .toast-title::after {{
  font-size: var(--text-lg); content: {_css_string("note_title", code)};
}}
:lang({code}) .toast-title.error::after {{
  content: {_css_string("error_title", code)};
}}
"""
    for code in LANGUAGES
    if code != DEFAULT_LANGUAGE
)
