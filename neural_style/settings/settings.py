"""`Settings`: each setting with its default, range or choices, and help text.

The checks, the shell's flags, the page's widgets, docs/settings.md (`table.py`) and tests are made
from these declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from typing import no_type_check

from neural_style.errors import SettingsError
from neural_style.images.color import COLOR_MODES
from neural_style.images.files import LONGEST
from neural_style.images.sizes import STYLE_FITS
from neural_style.kernels.choice import KERNELS
from neural_style.network.backbones import BACKBONES
from neural_style.network.steps import BORDERS, POOLINGS
from neural_style.network.weights import ENVIRONMENT, NAMED_SOURCES
from neural_style.objective import NEAREST, STYLE_STATISTICS, UNITS
from neural_style.objective.losses import TV_FORMS
from neural_style.optim.engines import ENGINES
from neural_style.settings.knob import check_knob, knob
from neural_style.settings.words import (
    LAYERS,
    SCALE_SHARES,
    STYLE_CROPS,
    STYLE_SCALES,
    STYLE_SHARES,
    Box,
)

INITS = ("auto", "matched", "recolored", "content", "noise", "mean")
PRECISIONS = ("auto", "fp32", "bf16")


@no_type_check  # `check_knob` checks the types, with better messages
@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of a run. The constructor checks every value.

    Raises:
        SettingsError: A value has the wrong type, is out of range, or is not one of the choices.
    """

    iterations: int = knob(40, 1, 100_000, "Optimizer steps in all, over every scale.")
    size: int = knob(512, 64, LONGEST, "Longest side of the result, in pixels.")
    seed: int = knob(0, 0, 2**32 - 1, "Seed of the random numbers; another one gives a variation.")
    style_weight: float = knob(
        20.0,
        0.0,
        1e6,
        "How strongly the style is imposed, relative to content_weight. With statistic nearest, 1 "
        "gives a photograph with a touch of the style, 20 a painting of the content, 200 little "
        "but style.",
    )
    content_weight: float = knob(1.0, 0.0, 1e6, "How strongly the content is kept.")
    tv_weight: float = knob(
        0.0, 0.0, 1e6, "Weight of total variation, a smoothness term that removes fine grain."
    )
    tv_form: str = knob(
        "mean",
        help="Form of total variation: mean squared steps between neighbors, the same in levels "
        "from 0 to 255, jcjohnson's sum, or crowson's nine points.",
        choices=TV_FORMS,
    )
    init: str = knob(
        "auto",
        help="Start picture: matched pieces of the style (statistic nearest only), the content "
        "in the style's colors, the content itself, noise, or a mean gray; auto is the usual.",
        choices=INITS,
    )
    noise_ratio: float = knob(
        0.1,
        0.0,
        1.0,
        "How much the seed matters: with statistic nearest, how much it prefers some parts of the "
        "style; else the share of noise in the start picture, or the spread around the mean gray.",
    )
    engine: str = knob(
        "fast",
        help="fast: a preconditioned, guarded loop from small to full size; plain: the textbook "
        "loop on pixels, with none of these.",
        choices=ENGINES,
    )
    optimizer: str = knob(
        "lbfgs",
        help="lbfgs converges far faster; adam allows a learning rate in pixel units.",
        choices=ENGINES["fast"].optimizers,
    )
    learning_rate: float = knob(
        0.0,
        0.0,
        10.0,
        "Length of a step. 0 takes the usual value: 1 for lbfgs, 0.02 for adam, 10 for adam in the "
        "plain engine, which counts in levels from 0 to 255.",
    )
    pooling: str = knob(
        "max",
        help="How the network halves its maps: maximum, average, or root of the mean square.",
        choices=POOLINGS,
    )
    border: str = knob(
        "replicate",
        help="What the network sees outside the picture: its edge repeated, or zeros.",
        choices=BORDERS,
    )
    scales: int = knob(
        0,
        0,
        6,
        "Number of sizes, from small to full, so that broad shapes settle first. 0 is the usual: "
        "with statistic nearest as many as lead down to 64 pixels, else 3, in the plain engine 1.",
    )
    scale_factor: float = knob(2.0, 1.1, 4.0, "Ratio of each size to the one before.")
    scale_shares: tuple[float, ...] = knob(
        (),
        help="How the iterations are divided among the sizes, the full size last: 5,2. auto gives "
        "larger sizes more, except with statistic nearest.",
        words=SCALE_SHARES,
    )
    style_fit: str = knob(
        "longest",
        help="Size at which the network sees the style image: as long as the canvas, never "
        "enlarged, or with as many pixels as the canvas.",
        choices=STYLE_FITS,
    )
    statistic: str = knob(
        NEAREST,
        help="How styles are compared: nearest, by most similar places; gram, by Gram matrices "
        "(Gatys); centered, the same without the mean; mean_deviation, by means and deviations, "
        "looser; wasserstein, smoother.",
        choices=STYLE_STATISTICS,
    )
    style_shares: tuple[float, ...] = knob(
        (),
        help="How much of each style, where there are several: 0.7,0.3.",
        words=STYLE_SHARES,
    )
    style_scale: tuple[float, ...] = knob(
        (1.0,),
        help="Size of the style's strokes: 2 for twice as large; 1,0.5 for two styles.",
        words=STYLE_SCALES,
    )
    style_crop: tuple[Box, ...] = knob(
        (),
        help="Part of the style image to use: left,top,width,height as shares of it, 0,0,0.5,1 for "
        "the left half; the parts of several styles are separated by semicolons.",
        words=STYLE_CROPS,
    )
    loss_units: str = knob(
        "relative",
        help="relative: each layer's loss in units of its target, so that weights mean the same "
        "for all pictures and networks; absolute: means as they are; paper: the paper's sums.",
        choices=UNITS,
    )
    content_layers: Mapping[str, float] | None = knob(
        None,
        help="Layers that hold the content, with shares: relu4_2 or relu4_2:0.7,relu5_2:0.3; auto "
        "takes the backbone's.",
        words=LAYERS,
    )
    style_layers: Mapping[str, float] | None = knob(
        None,
        help="Layers that hold the style, with shares: relu1_1:0.5,relu2_1:0.5; auto takes the "
        "backbone's.",
        words=LAYERS,
    )
    average: float = knob(
        0.0,
        0.0,
        0.999,
        "Shows a running average of the pictures, in which a new picture counts 1 − average.",
    )
    layer_exponent: float = knob(
        1.0,
        0.1,
        10.0,
        "Weight of each style layer relative to the one before it; above 1 for larger forms.",
    )
    backbone: str = knob("vgg19", help="Network that judges the pictures.", choices=BACKBONES)
    color: str = knob(
        "style",
        help="Whose colors the result has. The content's, up to clipping: content, luminance; "
        "nearly the content's, by recoloring the style image: matched (least change), cholesky, "
        "histogram.",
        choices=COLOR_MODES,
    )
    color_strength: float = knob(
        1.0, 0.0, 1.0, "How far the colors move from the style's to those that color asks for."
    )
    network_weights: str = knob(
        "auto",
        help="Where the network's weights come from: hub fetches the Hub's file, 575 MB; auto "
        f"takes it where it is cached, else the packaged one; {ENVIRONMENT} in the environment "
        "replaces auto.",
        choices=NAMED_SOURCES,
        or_path=True,
        host=True,
    )
    precision: str = knob(
        "auto",
        help="Arithmetic inside the network: auto takes bf16 where the processor has it natively.",
        choices=PRECISIONS,
        host=True,
    )
    kernels: str = knob(
        "auto",
        help="Who convolves on the CPU: kernels compiled by numba, or torch; auto takes numba "
        "where it is installed and compiles.",
        choices=KERNELS,
        host=True,
    )
    device: str = knob(
        "auto", help="auto, cpu, cuda, cuda:1, mps: auto takes a GPU where there is one.", host=True
    )
    memory_gb: float = knob(
        0.0,
        0.0,
        4096.0,
        "Most memory for the whole program, in GB (10⁹ bytes); 0 takes what the machine has free.",
        host=True,
    )

    def __post_init__(self) -> None:
        for about in fields(self):
            object.__setattr__(self, about.name, check_knob(about, getattr(self, about.name)))
        self._check_together()

    def _check_together(self) -> None:
        shares = self.scale_shares
        if shares and self.scales not in (0, len(shares)):
            raise SettingsError(
                "settings.share_count",
                given=SCALE_SHARES.written(shares),
                count=len(shares),
                scales=self.scales,
            )
        if not (self.content_weight or self.style_weight or self.tv_weight):
            raise SettingsError("settings.no_weight")
        if self.init == "matched" and self.statistic != NEAREST:
            raise SettingsError("settings.matched_init", needed=NEAREST, given=self.statistic)
        if self.loss_units == "paper" and self.statistic != "gram":
            raise SettingsError("settings.paper_units", given=self.statistic)


def knobs() -> dict[str, Field]:
    """The fields of `Settings` by name, in order."""
    return {about.name: about for about in fields(Settings)}
