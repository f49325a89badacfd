"""The page's JavaScript: what the browser does without asking the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from neural_style.messages import Message
from neural_style.web.page.status_view import status_html
from neural_style.web.run import status
from neural_style.web.run.status import Status
from neural_style.web.text.languages import DEFAULT_LANGUAGE, LANGUAGES

BROWSER_LANGUAGE_JS = (
    f"({json.dumps([*LANGUAGES])}.find((code) => navigator.language.toLowerCase().startsWith(code))"
    f' ?? "{DEFAULT_LANGUAGE}")'
)
"""JavaScript: the page language that fits the browser's."""

SET_DOCUMENT_LANGUAGE_JS = f"() => {{ document.documentElement.lang = {BROWSER_LANGUAGE_JS}; }}"

SCROLL_TO_STATUS_JS = """() => {
  const status = document.querySelector("#status");
  if (status.querySelector("[data-field]")?.dataset.field) return;
  const block = window.innerWidth <= 768 ? "start" : "nearest";
  status.scrollIntoView({behavior: "smooth", block});
}"""
"""On a phone the result is far below the button, so the page scrolls to it; elsewhere only where
the status is out of view, as from the button of an album. Not away from an input that is wrong."""

MARK_FIELD_JS = """() => {
  document.querySelectorAll(".faulty").forEach((field) => field.classList.remove("faulty"));
  const status = document.querySelector("#status [data-field]");
  const field = document.getElementById(status?.dataset.field || "none");
  if (!field) return;
  field.classList.add("faulty");
  field.dataset.fault = status.querySelector("p")?.textContent ?? "";
  window.scrollTo({top: window.scrollY, behavior: "instant"});  // ends a scroll to the status
  field.scrollIntoView({behavior: "smooth", block: "nearest"});
}"""
"""Marks the input that the status names as wrong, with the reason, which on a phone is far below,
and brings it into view."""

WATCH_CONNECTION_JS = """() => {
  const line = document.querySelector("#offline");
  const show = () => { line.dataset.shown = navigator.onLine ? "" : "yes"; };
  window.addEventListener("online", show);
  window.addEventListener("offline", show);
  show();
  const send = window.fetch;
  window.fetch = async (...request) => {
    const address = String(request[0]?.url ?? request[0]);
    try {
      const answer = await send(...request);
      if (!answer.ok && address.includes("/run/predict")) {
        const said = await answer.clone().json().catch(() => ({}));
        document.body.dataset.refusal = said.error ?? "";
        document.querySelector("#request-failed").click();
      }
      return answer;
    } catch (error) {
      if (address.includes("/queue/join")) document.querySelector("#connection-lost").click();
      throw error;
    }
  };
}"""
"""Shows a line while the browser is offline, and presses a hidden button if a run could not
be requested or an unqueued event has failed: Gradio's page triggers or shows nothing then."""

SET_ROLE_OF_EMPTY_JS = """() => {
  const name = () => document.querySelectorAll(".empty[aria-label]:not([role])")
    .forEach((place) => place.setAttribute("role", "img"));
  new MutationObserver(name).observe(document.body, {childList: true, subtree: true});
  name();
}"""
"""Gradio gives empty placeholders a label without a role, which screen readers ignore."""

NAME_THUMBNAILS_JS = """() => {
  const name = () => document.querySelectorAll(".thumbnail-item").forEach((thumbnail) => {
    const caption = thumbnail.querySelector(".caption-label")?.textContent.trim();
    if (caption && thumbnail.ariaLabel !== caption) thumbnail.ariaLabel = caption;
  });
  new MutationObserver(name).observe(document.body,
    {subtree: true, childList: true, characterData: true, attributeFilter: ["aria-label"]});
  name();
}"""
"""Gradio names the pictures of a gallery by number; screen readers should say the captions."""

GUARD_CLICKS_JS = """() => document.addEventListener("click", (press) => {
  const on = (places) => press.target.closest(places);
  const running = document.body.dataset.running === "yes"
    && on("#earlier, #variations, #album-pictures, #files");
  const offline = !navigator.onLine && on("#stylize, #vary, #continue, #paint-album, #variations");
  if (!running && !offline) return;
  press.stopPropagation();
  press.preventDefault();
  if (offline) document.querySelector("#connection-lost").click();
}, true)"""
"""Takes clicks that would come to nothing. While something runs, its pictures would replace an
opened result at once, and the downloads are those of the result before. Offline no run can be
requested; Gradio would load the page anew when the connection is back."""

GROUP_RADIOS_JS = """() => {
  const group = () => document.querySelectorAll("input[type=radio]").forEach((radio) => {
    const name = radio.closest(".block")?.id;
    if (name && radio.name !== name) radio.name = name;
  });
  new MutationObserver(group).observe(document.body,
    {subtree: true, childList: true, attributeFilter: ["name"]});
  group();
}"""
"""Gradio gives each radio button a name of its own, so that arrow keys would not move between
those of a component, and each would be a stop for the Tab key."""


def _update(**properties: Any) -> str:
    """JavaScript: an update that sets these properties of a component."""
    return json.dumps({"__type__": "update", **properties})


_SKIP = _update()
"""JavaScript: an update that leaves a component as it is."""


def _in_each(make: Callable[[str], Status]) -> str:
    """A JavaScript object: language → HTML of the status in it."""
    return json.dumps({code: status_html(make(code)) for code in LANGUAGES})


def _buttons(running: bool, others: int) -> str:
    """JavaScript: updates of Paint, Variations, Stop, and of the buttons that wait for an end.

    Args:
        others: Number of the buttons that wait.
    """
    # Stop can be pressed once the server has answered: before, there is no run to cancel.
    changes = [{"visible": not running}] * 2 + [{"visible": running, "interactive": False}]
    changes += [{"interactive": not running}] * others
    return ", ".join(_update(**change) for change in changes)


SHOW_JS, HIDE_JS = f"() => ({_update(visible=True)})", f"() => ({_update(visible=False)})"
"""JavaScript: the updates that show and hide a component."""

UNSELECT_JS = f"() => ({_update(selected_index=None)})"
"""JavaScript: the update of a gallery after which none of its pictures is marked."""


def focus_js(selector: str) -> str:
    """JavaScript: the focus for what the selector finds."""
    return f"() => document.querySelector({json.dumps(selector)})?.focus({{preventScroll: true}})"


def put_away_js(focus: str) -> str:
    """JavaScript: the update that hides a component, and the focus for what the selector finds."""
    return f"() => {{ ({focus_js(focus)})(); return {_update(visible=False)}; }}"


_NOTE_KEYBOARD_JS = """
  const pressed = document.activeElement;
  document.body.dataset.keyboard = pressed?.matches(":focus-visible") ? "yes" : "no";
"""
"""JavaScript statements: remember whether `pressed`, a button, was pressed by keyboard."""

_KEEP_FOCUS_JS = """
  const follow = (button, tries) => {
    if (document.body.dataset.keyboard !== "yes") return;
    const status = document.querySelector("#status");
    const lost = [document.body, null, status].includes(document.activeElement);
    const found = document.querySelector(button);
    if (lost && found && !found.disabled) found.focus({preventScroll: true});
    if (lost && tries && document.activeElement !== found)
      setTimeout(() => follow(button, tries - 1), 100);
  };
"""
"""JavaScript statements: `follow` gives what the selector `button` finds the focus that its
predecessor has lost by being hidden, as soon as it can have it; after a press by keyboard only, so
that no other moves.
"""


def start_js(others: int) -> str:
    """JavaScript: the status, link and questions about the last results put away, the timer that
    waits for an earlier run stopped, and the buttons, before the server answers.
    """
    starting = _in_each(partial(status.preparing, "starting"))
    hide, put_away = _update(value="", visible=False), _update(visible=False)
    rest = _update(active=False)
    return f"""(language) => {{ {_NOTE_KEYBOARD_JS} {_KEEP_FOCUS_JS}
  const shown = document.querySelector("#status .status");
  const page = document.body.dataset;
  if (!shown.classList.contains("failed")) page.before = shown.outerHTML;
  page.pressed = pressed?.id ?? "";
  page.running = "yes";
  delete page.stopping;
  setTimeout(() => follow("#stop", 20), 100);
  const questions = [{put_away}, {put_away}, {put_away}];
  return [({starting})[language], {hide}, ...questions, {rest}, {_buttons(True, others)}];
}}"""


_STOPPING = f"({_in_each(status.stopping)})"
"""A JavaScript object: language → HTML of the status between Stop and the end of the run."""

KEEP_STOPPING_JS = f"""(shown, language) => {{
  const late = document.body.dataset.stopping === "yes" && shown.includes('class="status busy"');
  return late && shown !== {_STOPPING}[language] ? {_STOPPING}[language] : {_SKIP};
}}"""
"""JavaScript: that status again, where a late update of the run has replaced it."""


def stopping_js() -> str:
    """JavaScript: the status between Stop and the end of the run, and Stop, pressed only once.

    The status takes the focus meanwhile, which a button loses where it cannot be pressed.
    """
    pressed = _update(interactive=False)
    return f"""(language) => {{ {_NOTE_KEYBOARD_JS}
  document.body.dataset.stopping = "yes";
  if (document.body.dataset.keyboard === "yes") {{
    const status = document.querySelector("#status");
    status.tabIndex = -1;
    status.focus({{preventScroll: true}});
  }}
  return [{_STOPPING}[language], {pressed}];
}}"""


def _failed(reason: str = "unexpected") -> str:
    """A JavaScript object: language → HTML of the status after an unexpected error."""
    return _in_each(partial(status.failed, Message(reason)))


def failure_js() -> str:
    """JavaScript: the status after an error of the program or a lost connection.

    To Gradio a run that was stopped has failed, too.
    """
    return f"""(language) => {{
  const failed = ({_failed()})[language], offline = ({_failed("pressed_offline")})[language];
  return document.body.dataset.stopping ? {_SKIP} : navigator.onLine ? failed : offline;
}}"""


def refusal_js() -> str:
    """JavaScript: the status after the error of an unqueued event."""
    return f"""(language) => {{
  const parse = (html) => new DOMParser().parseFromString(html, "text/html").body;
  const shown = parse(({_failed()})[language]);
  const said = parse(document.body.dataset.refusal).textContent;
  if (said) shown.querySelector(".status p").textContent = said;
  return shown.innerHTML;
}}"""


def end_js(others: int) -> str:
    """JavaScript: the buttons as they are while nothing runs.

    A run that is being stopped has not ended yet, although to Gradio it has: see `stopped_js`.
    """
    keep = ", ".join([_SKIP] * (3 + others))
    return f"""() => {{
  if (document.body.dataset.stopping === "yes") return [{keep}]; {_ended(others)}
}}"""


def stopped_js(others: int) -> str:
    """JavaScript: the buttons after a stopped run has ended; `failure_js` may run even later."""
    return f"""() => {{
  document.body.dataset.stopping = "done"; {_ended(others)}
}}"""


def _ended(others: int) -> str:
    """JavaScript statements: return the buttons while nothing runs, and give the focus to the input
    that the status names as wrong, else to the button that was pressed.
    """
    return f"""{_KEEP_FOCUS_JS}
  document.body.dataset.running = "no";
  const wrong = document.querySelector("#status [data-field]")?.dataset.field;
  const input = wrong && `#${{wrong}} :is(button, input, textarea)`;
  setTimeout(() => follow(input || `#${{document.body.dataset.pressed || "stylize"}}`, 10), 100);
  return [{_buttons(False, others)}];"""


STEPS_CHANGED_JS = f"""() => {{
  const wrong = document.querySelector("#status [data-field]")?.dataset.field === "by";
  return wrong ? document.body.dataset.before : {_SKIP};
}}"""
"""JavaScript: the status from before a refused Continue, after its number has changed."""


def inputs_changed_js(chosen: str = "") -> str:
    """JavaScript: the status after the visitor has changed an input.

    A refusal or failure no longer holds, and what is to be done next depends on the pictures.

    Args:
        chosen: The picture that has just been chosen, "content" or "style", and will be set.
    """
    choose, press = (_in_each(partial(status.to_do, key)) for key in ("ready", "ready_to_paint"))
    ready = " && ".join(name for name in ("content", "style") if name != chosen)
    return f"""(content, style, language) => {{
  const choose = ({choose})[language], press = ({press})[language];
  const shown = document.querySelector("#status .status");
  const headline = (page) => page.querySelector("strong").textContent;
  const parse = (html) => new DOMParser().parseFromString(html, "text/html");
  const says = (html) => headline(parse(html)) === headline(shown);
  const next = {ready} ? press : choose;
  const stale = shown.classList.contains("failed") || says(choose) || says(press);
  return stale && !says(next) ? next : {_SKIP};
}}"""
