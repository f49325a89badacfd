"""The page's look: Gradio theme and CSS."""

from __future__ import annotations

import json

import gradio as gr

from neural_style.web.text.languages import DEFAULT_LANGUAGE, LANGUAGES
from neural_style.web.text.texts import translate

_ULTRAMARINE = gr.themes.Color(
    name="ultramarine",
    c50="#eef1fb",
    c100="#dce2f7",
    c200="#b9c5ef",
    c300="#93a5e6",
    c400="#6680d9",
    c500="#3f5cc8",
    c600="#2f49ad",
    c700="#26398a",
    c800="#1f2f6f",
    c900="#1a2757",
    c950="#121b3d",
)
"""The accent color."""


def make_theme() -> gr.themes.Base:
    """The page's theme: one accent color, quiet surfaces; fonts of the visitor's system."""
    theme = gr.themes.Soft(
        primary_hue=_ULTRAMARINE,
        secondary_hue=_ULTRAMARINE,
        neutral_hue="stone",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
    return theme.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_shadow="none",
        block_label_background_fill="*neutral_100",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_title_text_color="*neutral_800",
        block_title_background_fill="none",
        checkbox_border_color="*neutral_400",
        checkbox_border_color_dark="*neutral_500",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_600",
        input_border_width="1px",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_500",
        button_primary_text_color="white",
        # Gradio gives it to disabled buttons, too.
        button_secondary_background_fill_hover_dark="*neutral_500",
        error_background_fill="#fef2f2",
    )


# Gradio prefixes every selector, wrongly if `.dark` is not in the first of a list.
CSS = """
.gradio-container { max-width: 1360px !important; margin: auto; }
#intro h1 { font-family: Georgia, "Times New Roman", serif; font-weight: 600; margin-bottom: 0; }
#intro p { margin-top: .25rem; }
#offline { display: none; padding: .75rem 1rem; border-radius: var(--radius-lg);
  background: var(--neutral-200); color: var(--neutral-900); }
#offline[data-shown="yes"] { display: block; }
.chooser { gap: var(--spacing-md) !important; }
.step p { font-size: var(--text-lg); }
#content-examples .grid-wrap, #style-examples .grid-wrap { padding: 0; }
#content-examples .grid-container, #style-examples .grid-container {
  gap: 6px; padding: 2px; grid-auto-rows: 86px;
  grid-template-columns: repeat(3, minmax(0, 1fr)) !important;
}
#content-examples .thumbnail-item, #style-examples .thumbnail-item {
  height: 86px; aspect-ratio: auto;
}
#earlier .thumbnail-item, #album-pictures .thumbnail-item, #variations .thumbnail-item {
  aspect-ratio: 4 / 3;
}
#variations img { object-fit: contain; }
/* Which one is shown is seen above them. */
#earlier .selected, #album-pictures .selected {
  --ring-color: transparent; border-color: var(--border-color-primary);
}
body[data-running="yes"] .thumbnail-item:is(#variations *, #album-pictures *) {
  cursor: not-allowed;
}
body[data-running="yes"] #files a { cursor: not-allowed; opacity: .5; }
body[data-running="yes"] #result a[download] { display: none; }
#earlier { position: relative; }
body[data-running="yes"] #earlier::after {
  position: absolute; inset: 0; z-index: 1; display: grid; place-items: center;
  background: rgb(0 0 0 / 60%); color: white; cursor: not-allowed;
}
body[data-running="yes"] #variations-heading p { font-size: 0; }
body[data-running="yes"] #variations-heading p::after { font-size: var(--text-md); }
.chooser label[data-testid=block-label] { clip-path: inset(50%); }
#content-examples .caption-label, #style-examples .caption-label,
#earlier .caption-label, #album-pictures .caption-label, #variations .caption-label {
  font-size: 11px; line-height: 1.2; padding: 2px 6px; max-width: 100%; opacity: 1;
  left: 0; right: 0; bottom: 0; border: 0; border-radius: 0;
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden;
  background: rgb(0 0 0 / 65%); color: white; white-space: normal; text-align: left;
}
#status, #status .html-container { padding: 0 !important; }
#status .status { height: 6rem; box-sizing: border-box; overflow: auto; padding: .75rem 1rem;
  border-radius: var(--radius-lg); border: 1px solid var(--border-color-primary);
  background: var(--block-background-fill); }
#status strong { font-size: var(--text-lg); color: var(--body-text-color); }
#status p { margin: 0; color: var(--body-text-color-subdued); }
#status .bar { height: 6px; margin-top: .4rem; border-radius: 3px; overflow: hidden;
  background: var(--neutral-200); }
.dark #status .bar { background: var(--neutral-700); }
#status .filled { height: 100%; background: var(--primary-500); transition: width .4s linear; }
#status .failed { border-color: #dc2626; background: #fef2f2; }
#status .failed strong, #status .failed p { color: #7f1d1d; }
.dark #status .failed { background: #450a0a; }
.dark #status .failed strong { color: #fecaca; }
.dark #status .failed p { color: #fecaca; }
#manner label:has(:focus-visible), #preset label:has(:focus-visible),
[data-testid=radio-group] label:has(:focus-visible), input[type=range]:focus-visible {
  outline: 2px solid var(--body-text-color); outline-offset: 2px;
}
.faulty { outline: 2px solid #dc2626; outline-offset: 2px; border-radius: var(--radius-lg); }
.faulty::after { content: attr(data-fault); display: block; padding: .4rem .6rem;
  background: #fef2f2; color: #7f1d1d; }
.dark .faulty::after { background: #450a0a; color: #fecaca; }
#content.faulty::after, #style.faulty::after { position: absolute; bottom: 0; left: 0; right: 0;
  z-index: 1; }
#result img { width: 100%; height: 100%; object-fit: contain; }
#manner .wrap, #preset .wrap { flex-wrap: nowrap; gap: 6px; }
#manner label, #preset label { flex: 1; padding: .4rem .6rem; justify-content: center; }
/* Room for two lines: the times change after each run. */
#preset label { min-height: calc(2lh + 1rem); }
#estimate { min-height: 3em; }
#album-line { min-height: 1.5em; }
#part-shown img { cursor: crosshair; }
#part-line { min-height: 4.5em; }
#paint-line { min-height: 3em; }
#paint .toolbar-wrap { left: 0; }
/* It takes Paint's place: the second press of a double-press is not for it. */
@keyframes not-yet { from, to { pointer-events: none; } }
#stop { animation: not-yet .7s; }
#takers { flex-wrap: nowrap; gap: var(--spacing-lg); }
#takers button { white-space: normal; min-width: 0 !important; padding: var(--spacing-sm); }
#after, #go-on { gap: var(--spacing-md); }
#after { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); }
#go-on { align-items: center; }
.question { gap: var(--spacing-sm) !important; padding: var(--spacing-lg);
  border: 1px solid var(--border-color-primary); border-radius: var(--radius-lg); }
#files .label-clear-button, #album-zip .label-clear-button { display: none; }
#gallery .grid-container { grid-template-columns: repeat(4, minmax(0, 1fr)) !important; }
#earlier .grid-wrap, #album-pictures .grid-wrap { height: auto; min-height: 0; max-height: 20rem; }
#variations .grid-wrap { height: auto; min-height: 0; }
#variations .grid-container { grid-template-columns: repeat(2, minmax(0, 1fr)) !important; }
#results:has(#result) #variations .grid-container {
  grid-template-columns: repeat(4, minmax(0, 1fr)) !important;
}
@media (max-width: 1000px) {
  #preset input { display: none; }
  #preset label { padding: .4rem .3rem; text-align: center; }
  #preset label span { margin: 0; }
  #after { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  #gallery .grid-container { grid-template-columns: repeat(3, minmax(0, 1fr)) !important; }
}
#chart { padding-bottom: 2.5rem; }
button[role=tab].selected { color: var(--primary-700); }
.dark button[role=tab].selected { color: var(--primary-300); }
.dark #files a { color: var(--primary-300); }
.dark #album a { color: var(--primary-300); }
.dark #album-zip a { color: var(--primary-300); }
.dark #film-file a { color: var(--primary-300); }
@media (max-width: 768px) {
  .gradio-container { padding-bottom: 5rem !important; }
  #press { position: fixed; left: 0; right: 0; bottom: 0; z-index: 1000; padding: .5rem 1rem;
    background: var(--body-background-fill);
    border-top: 1px solid var(--border-color-primary); }
  #manner input { display: none; }
  #manner label { padding: .4rem .3rem; text-align: center; }
  #manner label span { margin: 0; }
  #choosers { flex-wrap: nowrap; }
  #choosers .chooser { min-width: 0 !important; }
  #status .status { height: 7rem; }
  #result, #example { height: 75vw !important; }
  #gallery { height: calc(100vw - 3.5rem) !important; }
  #gallery .grid-container, #earlier .grid-container, #album-pictures .grid-container {
    grid-template-columns: repeat(2, minmax(0, 1fr)) !important;
  }
  #content-examples .grid-container, #style-examples .grid-container {
    grid-template-columns: repeat(2, minmax(0, 1fr)) !important;
  }
}
"""


def _css_string(key: str, language: str) -> str:
    """The translated text as a string in CSS."""
    return json.dumps(translate(key, language), ensure_ascii=False)


CSS += "".join(
    f"""
:lang({code}) body[data-running="yes"] #earlier::after {{
  content: {_css_string("opened_later", code)};
}}
:lang({code}) body[data-running="yes"] #variations-heading p::after {{
  content: {_css_string("varied_later", code)};
}}
"""
    for code in LANGUAGES
)
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
