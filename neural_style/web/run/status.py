"""What the page says about a run: a headline, details, and how much of it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from neural_style.messages import Message
from neural_style.web.run.call import page_knobs
from neural_style.web.text.languages import DEFAULT_LANGUAGE
from neural_style.web.text.texts import format_duration, knob_label, localize, loss_name, translate

Kind = Literal["idle", "busy", "done", "failed"]

CERTAIN_FRACTION = 0.1
"""Share of a run after which its own speed gives the time left; before, a range is told."""

_RANGE = (0.7, 1.5)
"""Bounds of the time left before that, relative to the estimate."""


@dataclass(frozen=True)
class Status:
    """The status of the page's current run. All texts are plain text, not Markdown.

    Attributes:
        kind: Whether nothing has been started, a run is going on, or how it ended.
        headline: The main fact; while the run goes on, the time left.
        detail: A second line.
        losses: The weighted losses of the current picture.
        note: Source of the network's weights and the memory plan, or the latest event.
        fraction: Share of the run that is done, in [0, 1]; None while that is unknown.
        seconds_left: Estimated time left of the run; None while that is unknown.
        field: The input that must be changed, after a refusal.
    """

    kind: Kind
    headline: str
    detail: str = ""
    losses: str = ""
    note: str = ""
    fraction: float | None = None
    seconds_left: float | None = None
    field: str = ""

    def __str__(self) -> str:
        """All of it on one line, for the API."""
        return " · ".join(filter(None, (self.headline, self.detail, self.losses, self.note)))


class Overall(NamedTuple):
    """How far several runs, made one after another, are.

    Attributes:
        number, count: Number of the current run, from 1, and of all.
        seconds_left: Estimated time until the last one ends.
        fraction: Share of the work that is done, in [0, 1].
    """

    number: int
    count: int
    seconds_left: float
    fraction: float


def ready(note: Message, language: str = DEFAULT_LANGUAGE) -> Status:
    """The status before a run.

    Args:
        note: Source of the network's weights.
    """
    return Status("idle", translate("ready", language), note=localize(note, language))


def to_do(key: str, language: str = DEFAULT_LANGUAGE) -> Status:
    """The status before a run, after an input has changed; `key` is that of what to do next."""
    return Status("idle", translate(key, language))


def waiting(ahead: int, seconds: float, language: str = DEFAULT_LANGUAGE) -> Status:
    """The status of a run that waits for others.

    Args:
        ahead: Number of runs before it.
        seconds: Estimated time until it starts.
    """
    time = format_duration(seconds, language)
    headline = translate("waiting", language, ahead=ahead, time=time)
    return Status("busy", headline, translate("waiting_detail", language))


def preparing(key: str, language: str = DEFAULT_LANGUAGE) -> Status:
    """The status before the first picture; `key` is that of its headline."""
    return Status("busy", translate(key, language), fraction=0.0)


def running(
    iteration: int,
    iterations: int,
    size: tuple[int, int],
    scale: tuple[int, int],
    losses: dict[str, float],
    seconds: tuple[float, float],
    activity: Message,
    language: str = DEFAULT_LANGUAGE,
) -> Status:
    """The status during a run.

    Args:
        size: Height and width of the canvas.
        scale: Number of the current size, and number of sizes.
        seconds: Time since the first picture, and estimated time left.
        activity: What the run is doing, such as a restart of the optimizer.
    """
    elapsed, left = seconds
    fraction = elapsed / (elapsed + left) if elapsed + left > 0 else 0.0
    detail = translate(
        "at_size",
        language,
        scale=scale[0],
        scales=scale[1],
        height=size[0],
        width=size[1],
        iteration=iteration,
        iterations=iterations,
    )
    note = localize(activity, language)
    headline = _time_left(left, fraction, language)
    return Status("busy", headline, detail, _format_losses(losses, language), note, fraction, left)


def done(
    iterations: int,
    size: tuple[int, int],
    losses: dict[str, float],
    seconds: float,
    note: Message,
    language: str = DEFAULT_LANGUAGE,
) -> Status:
    """The status of a finished run.

    Args:
        size: Height and width of its picture.
        note: Source of the network's weights and the memory plan.
    """
    headline = translate("done", language, time=format_duration(seconds, language))
    height, width = size
    detail = translate("done_detail", language, iterations=iterations, height=height, width=width)
    return Status(
        "done", headline, detail, _format_losses(losses, language), localize(note, language), 1.0
    )


def stopped(
    iteration: int,
    iterations: int,
    size: tuple[int, int],
    losses: dict[str, float],
    language: str = DEFAULT_LANGUAGE,
) -> Status:
    """The status of a stopped run; `size` is the height and width of its picture."""
    height, width = size
    headline = translate("stopped", language, iteration=iteration, iterations=iterations)
    detail = translate("stopped_detail", language, height=height, width=width)
    return Status("done", headline, detail, _format_losses(losses, language))


def stopped_early(language: str = DEFAULT_LANGUAGE) -> Status:
    """The status of a run that was stopped before its first picture."""
    return Status("done", translate("stopped_early", language))


def stopping(language: str = DEFAULT_LANGUAGE) -> Status:
    """The status between Stop and the end of the run."""
    return Status("busy", translate("stopping", language))


def stopped_without_run(varied: int, language: str = DEFAULT_LANGUAGE) -> Status:
    """The status after Stop where no run had begun, as in the line, or several had.

    Args:
        varied: Number of the displayed variations.
    """
    detail = translate("varied_part", language, count=varied) if varied else ""
    return Status("done", translate("stopped_only", language), detail)


def failed(reason: Message, language: str = DEFAULT_LANGUAGE, field: str = "") -> Status:
    """The status of a failed or refused run.

    Args:
        field: The input that must be changed.
    """
    headline = translate("error_title", language)
    return Status("failed", headline, localize(reason, language), field=field)


def refused(name: str, reason: str, language: str = DEFAULT_LANGUAGE) -> Status:
    """The status of a request that was refused because of one input.

    Args:
        name: The input, a picture or a setting.
        reason: What is wrong with it, in the language.
    """
    label = knob_label(name, language) if name in page_knobs() else translate(name, language)
    return Status("failed", translate("check_field", language, name=label), reason, field=name)


def shown(language: str = DEFAULT_LANGUAGE, note: str = "") -> Status:
    """The status of a shared result."""
    return Status("done", translate("shown_again", language), note)


def varying(overall: Overall, language: str = DEFAULT_LANGUAGE) -> Status:
    """The status while variations are made."""
    detail = translate("varying", language, number=overall.number, count=overall.count)
    return _of_several(overall, detail, language)


def varied(count: int, language: str = DEFAULT_LANGUAGE) -> Status:
    """The status when all variations are made."""
    headline = translate("varied", language, count=count)
    return Status("done", headline, translate("varied_detail", language))


def painting_album(
    overall: Overall, name: str, less: bool, language: str = DEFAULT_LANGUAGE
) -> Status:
    """The status while an album is painted.

    Args:
        name: Name of the current photograph.
        less: Whether masks or a start picture are left out.
    """
    key = "painting_album_less" if less else "painting_album"
    detail = translate(key, language, number=overall.number, count=overall.count, name=name)
    return _of_several(overall, detail, language)


def _of_several(overall: Overall, detail: str, language: str) -> Status:
    left, fraction = overall.seconds_left, overall.fraction
    headline = _time_left(left, fraction, language)
    return Status("busy", headline, detail, fraction=fraction, seconds_left=left)


def album_painted(
    painted: int,
    count: int,
    failures: Sequence[tuple[str, Message]],
    language: str = DEFAULT_LANGUAGE,
) -> Status:
    """The status when all photographs of an album are painted, or have failed.

    Args:
        failures: Name of each photograph that has failed, and its error.
    """
    reasons = list_failures(failures, language)
    if not painted:
        return Status("failed", translate("error_title", language), reasons)
    headline = translate("album_painted", language, painted=painted, count=count)
    if reasons:
        return Status("done", headline, translate("album_failures", language, reasons=reasons))
    return Status("done", headline, translate("album_painted_detail", language))


def list_failures(failures: Sequence[tuple[str, Message]], language: str) -> str:
    """The errors of photographs in one line, each once, after the names it applies to."""
    names: dict[str, list[str]] = {}
    for name, reason in failures:
        names.setdefault(localize(reason, language), []).append(name)
    return " ".join(f"{', '.join(named)}: {reason}" for reason, named in names.items())


def noted(words: str) -> Status:
    """The status with a note about what was chosen, before a run."""
    return Status("idle", words)


def _time_left(seconds: float, fraction: float, language: str) -> str:
    """The estimated time left in words, as a range while little of the work is done."""
    if fraction < CERTAIN_FRACTION:
        low, high = (format_duration(bound * seconds, language) for bound in _RANGE)
        return translate("time_left_range", language, low=low, high=high)
    return translate("time_left", language, time=format_duration(seconds, language))


def _format_losses(losses: dict[str, float], language: str) -> str:
    return ", ".join(f"{loss_name(term, language)} {losses[term]:.3g}" for term in losses)
