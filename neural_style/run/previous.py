"""The last frame of a film: what the next frame's run begins from and is held to."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from neural_style.errors import ImageError
from neural_style.images.sizes import size_of
from neural_style.matching.follow import FollowedMatches
from neural_style.matching.indices import CellMatches
from neural_style.objective.temporal import TemporalTerm
from neural_style.plan.schedule import Scale
from neural_style.tensors import FlowField, ImageTensor, Mask


class Carried(NamedTuple):
    """What a finished run leaves to the next frame of a film, on the CPU.

    Attributes:
        image: The canvas: the picture before its colors are replaced and kept pixels put in.
        matches: The matches of its cells; None where moments are compared.
    """

    image: ImageTensor
    matches: CellMatches | None


class PreviousFrame(NamedTuple):
    """The last frame's result, moved to where things are in this frame.

    Attributes:
        image: `Carried.image` of the last frame, warped to this one, at the size of the result.
        alike: Where it is the start picture and its matches are followed, of the same size: 1
            where the frames look alike, 0 where something comes into view.
        trust: Where the term holds the canvas to it, of the same size: 1 where the optical flow is
            certain.
        flow: From each pixel of this frame to its place in the last one, of the same size.
        matches: `Carried.matches` of the last frame, not moved; None where moments are compared.
        weight: Weight of the temporal term.
        scene: The first frame of the scene, from which styles are recolored where `color` does so:
            recolored from each frame, they would change with it. None for this frame.
    """

    image: ImageTensor
    alike: Mask
    trust: Mask
    flow: FlowField
    matches: CellMatches | None = None
    weight: float = 0.0
    scene: ImageTensor | None = None

    def over(self, image: ImageTensor) -> ImageTensor:
        """The start picture: the moved result where the frames look alike, else `image`."""
        return torch.lerp(image, self.image, self.alike.expand_as(image))

    def term(self) -> TemporalTerm:
        """The term that holds the canvas to the moved result."""
        return TemporalTerm(self.weight, self.image, self.trust)

    def followed(self) -> FollowedMatches | None:
        """The last matches with the flow that they follow."""
        if self.matches is None:
            return None
        return FollowedMatches(self.matches, self.flow, self.alike)

    def tensors(self) -> list[Tensor]:
        """Everything that makes a difference to the run, for a digest."""
        found = [self.image, self.alike, self.trust, self.flow, torch.tensor(self.weight)]
        if self.matches is not None:
            kept = self.matches.owners, self.matches.rows, self.matches.columns, self.matches.drift
            found += [part for part in kept if part is not None]
        return found if self.scene is None else [*found, self.scene]

    def to(self, device: torch.device) -> PreviousFrame:
        """The same on the device."""
        matches = self.matches and move_matches(self.matches, device)
        parts = self.image, self.alike, self.trust, self.flow
        moved = (part.detach().to(device) for part in parts)
        scene = None if self.scene is None else self.scene.detach().to(device)
        return PreviousFrame(*moved, matches, self.weight, scene)


def move_matches(matches: CellMatches, device: torch.device) -> CellMatches:
    """The matches on the device."""
    drift = matches.drift if matches.drift is None else matches.drift.to(device)
    return matches._replace(
        owners=matches.owners.to(device),
        rows=matches.rows.to(device),
        columns=matches.columns.to(device),
        drift=drift,
    )


def carry(image: ImageTensor, matches: CellMatches | None) -> Carried:
    """What a run leaves to the next frame, copied to the CPU."""
    cpu = torch.device("cpu")
    return Carried(image.to(cpu, copy=True), matches and move_matches(matches, cpu))


def check_previous(previous: PreviousFrame, size: Scale) -> None:
    """Checks that the last frame has the size of the result.

    Raises:
        ImageError: It has another.
    """
    for part in (previous.image, previous.alike, previous.trust, previous.flow):
        if tuple(part.shape[-2:]) != (size.height, size.width):
            wanted = f"{size.width}×{size.height}"
            raise ImageError("picture.previous_of_another_size", size=size_of(part), other=wanted)
