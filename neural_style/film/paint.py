"""Paints the frames of a film one after the other, each from the one before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from neural_style.film.cuts import is_cut
from neural_style.film.flow import FlowOf, Motion, find_motion, flow_by_dis, warp
from neural_style.images.files import resize
from neural_style.images.masks import Masks
from neural_style.images.sizes import fit
from neural_style.network.reuse import Reuse
from neural_style.run.frame import Frame
from neural_style.run.previous import Carried, PreviousFrame
from neural_style.settings.settings import Settings
from neural_style.tensors import ImageTensor, Mask
from neural_style.transfer import stylize


@dataclass(frozen=True, kw_only=True)
class Later:
    """How the frames after the first are painted.

    Attributes:
        steps: Iterations of such a frame.
        hold: Weight of the temporal term, in units of content weight plus style weight.
        flow_of: Finds the optical flow: `flow_by_dis`, or a `Raft`.
    """

    steps: int = 8
    hold: float = 3.0
    flow_of: FlowOf = field(default=flow_by_dis)


class Last(NamedTuple):
    """The last frame: what the next one is painted from.

    Attributes:
        frame: The film's picture, at the size of the result.
        carried: What its run left.
        scene: The first frame of its scene, of the same size.
    """

    frame: ImageTensor
    carried: Carried
    scene: ImageTensor


class Painted(NamedTuple):
    """A painted frame.

    Attributes:
        image: The result.
        begins: Whether it begins anew: the first frame, and the first after a cut.
        motion: How it comes from the last frame; None where it begins anew.
        last: What the next frame is painted from.
        run: The last frame of its run.
    """

    image: ImageTensor
    begins: bool
    motion: Motion | None
    last: Last
    run: Frame


def paint_frames(
    frames: Iterable[ImageTensor],
    styles: Sequence[ImageTensor],
    settings: Settings,
    later: Later = Later(),
    *,
    parts: Sequence[ImageTensor | Mask] = (),
    last: Last | None = None,
    reuse: Reuse | None = None,
) -> Iterator[Painted]:
    """Repaints the frames of a film in order.

    The first frame and the first after each cut are whole runs with these settings. Each other
    frame begins from the last result, moved along the optical flow, and is held to it.

    Args:
        frames: Of one size; read one at a time.
        styles, settings: As in `stylize`; the size is that of the film.
        parts: `Masks.parts`.
        last: The frame painted before the first of these, to continue from it.
        reuse: Keeps the network and the activations of the styles, also for other films.

    Raises:
        NeuralStyleError: As `stylize`.
    """
    masks, reuse = Masks(parts=parts), reuse or Reuse()
    for frame in frames:
        size = fit(*frame.shape[-2:], settings.size)
        frame = resize(frame, *size)
        motion = None
        if last is not None and not is_cut(frame, last.frame):
            motion = find_motion(frame, last.frame, later.flow_of)
        if motion is None or motion.alike.mean() < _LEAST_ALIKE:
            run = _last_of(stylize(frame, styles, settings, masks=masks, reuse=reuse))
            painted = Painted(run.image, True, None, Last(frame, run.carry(), frame), run)
        else:
            short, previous = _begun(settings, later, motion, last)
            frames_of_run = stylize(
                frame, styles, short, masks=masks, previous=previous, reuse=reuse
            )
            run = _last_of(frames_of_run)
            next_last = Last(frame, run.carry(), last.scene)
            painted = Painted(run.image, False, motion, next_last, run)
        last = painted.last
        yield painted


def _begun(
    settings: Settings, later: Later, motion: Motion, last: Last
) -> tuple[Settings, PreviousFrame]:
    """The settings of a later frame, and what it begins from."""
    previous = PreviousFrame(
        image=warp(last.carried.image, motion.flow),
        alike=motion.alike,
        trust=motion.trust,
        flow=motion.flow,
        matches=last.carried.matches,
        weight=later.hold * (settings.content_weight + settings.style_weight),
        scene=last.scene,
    )
    return replace(settings, iterations=later.steps), previous


def _last_of(frames: Iterable[Frame]) -> Frame:
    *_, last = frames
    return last


_LEAST_ALIKE = 0.3
"""Share of a frame that must look like the last one for it to begin from the last result."""
