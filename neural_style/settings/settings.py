"""Every knob, once: its default, its range or choices, and a sentence of help.

The check, the shell's flag, the page's widget, the README's row and the tests are made from here.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, fields
from typing import no_type_check

from neural_style.errors import SettingsError, shortened
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
    parse_crops,
    parse_layers,
    parse_scales,
    parse_shares,
    parse_weights,
)

INITS = ("auto", "matched", "recolored", "content", "noise", "mean")
PRECISIONS = ("auto", "fp32", "bf16")


@no_type_check  # the checks below are for everyone, with words
@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a picture is made. Every value is checked when the settings are made.

    Raises:
        SettingsError: A value is of the wrong type, out of range, or no known choice.
    """

    iterations: int = knob(40, 1, 100_000, "Optimizer steps in all, over every scale.")
    size: int = knob(512, 64, LONGEST, "Longest side of the result, in pixels.")
    seed: int = knob(0, 0, 2**32 - 1, "Chooses the noise; another seed, another variation.")
    style_weight: float = knob(
        20.0,
        0.0,
        1e6,
        "How strongly the style is imposed, relative to the content: with statistic nearest 1 is a "
        "photograph with a touch of the style, 20 a painting of the content, 200 all painting.",
    )
    content_weight: float = knob(1.0, 0.0, 1e6, "How strongly the content is held.")
    tv_weight: float = knob(
        0.0, 0.0, 1e6, "Smoothness: the weight of total variation, which removes fine grain."
    )
    tv_form: str = knob(
        "mean",
        help="How roughness is measured: mean squared steps, the same in levels, jcjohnson's sum, "
        "or crowson's nine points.",
        choices=TV_FORMS,
    )
    init: str = knob(
        "auto",
        help="Where to start: matched pieces of the style (statistic nearest), the content in the "
        "style's colors, the content as it is, noise, or a mean gray; auto takes the usual.",
        choices=INITS,
        or_path=True,
    )
    noise_ratio: float = knob(
        0.1,
        0.0,
        1.0,
        "How far a seed goes its own way: with statistic nearest how much it prefers some parts of "
        "the style, else the share of noise in the start, or from the mean gray its spread.",
    )
    engine: str = knob(
        "fast",
        help="fast: a preconditioned, guarded loop from small to full size; plain: the textbook's "
        "loop on pixels, without any of that.",
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
        "Length of a step; 0 takes the usual: lbfgs 1, adam 0.02, and in the plain engine, which "
        "counts in levels of 255, 10.",
    )
    pooling: str = knob(
        "max",
        help="How the network halves its maps: maximum, average, or root of the mean square.",
        choices=POOLINGS,
    )
    border: str = knob(
        "replicate",
        help="What the network sees outside the picture: its edge carried on, or nothing.",
        choices=BORDERS,
    )
    scales: int = knob(
        0,
        0,
        6,
        "Sizes worked through, from small to full: broad shapes first; 0 takes the usual: in the "
        "fast engine 3, with statistic nearest from 64 pixels on; in the plain one 1.",
    )
    scale_factor: float = knob(2.0, 1.1, 4.0, "How much larger each size is than the one before.")
    scale_shares: str = knob(
        "auto",
        help="How the iterations are shared among the sizes, the full one last: 5,2; auto gives "
        "larger ones more.",
        check=parse_shares,
    )
    style_fit: str = knob(
        "longest",
        help="How large the style is seen: with the canvas's longest side, never enlarged, or "
        "with its number of pixels.",
        choices=STYLE_FITS,
    )
    statistic: str = knob(
        NEAREST,
        help="What of the style is imitated: nearest, its most similar places; gram, which "
        "channels are active together (Gatys); centered, the same less brightness; "
        "mean_deviation, looser; wasserstein, smoother.",
        choices=STYLE_STATISTICS,
    )
    style_weights: str = knob(
        "equal",
        help="How much of each style, where there are several: 0.7,0.3.",
        check=parse_weights,
    )
    style_scale: str = knob(
        "1",
        help="How large the style's strokes are, 2 for twice as large; 1,0.5 for two styles.",
        check=parse_scales,
    )
    style_crop: str = knob(
        "all",
        help="Part of the style image to take: left,top,width,height as shares, 0,0,0.5,1 for its "
        "left half; several styles' are parted by a semicolon.",
        check=parse_crops,
    )
    losses: str = knob(
        "relative",
        help="relative: each layer's loss in units of its target, so that weights mean the same "
        "for all pictures and networks; absolute: means as they are; paper: the paper's sums.",
        choices=UNITS,
    )
    content_layers: str = knob(
        "auto",
        help="Layers that hold the content, with shares: relu4_2 or relu4_2:0.7,relu5_2:0.3; auto "
        "takes the backbone's.",
        check=parse_layers,
    )
    style_layers: str = knob(
        "auto",
        help="Layers that hold the style, with shares: relu1_1:0.5,relu2_1:0.5; auto takes the "
        "backbone's.",
        check=parse_layers,
    )
    average: float = knob(
        0.0,
        0.0,
        0.999,
        "Shows a running average of the pictures, calmer than any; a new one counts 1 − average.",
    )
    layer_exponent: float = knob(
        1.0,
        0.1,
        10.0,
        "Each style layer counts so many times the one before it; above 1 for larger forms.",
    )
    backbone: str = knob("vgg19", help="The network that looks at the pictures.", choices=BACKBONES)
    color: str = knob(
        "style",
        help="Whose colors the result has. The content's, exactly: content, luminance; nearly, by "
        "recoloring the style image: matched (least change), cholesky, histogram.",
        choices=COLOR_MODES,
    )
    color_strength: float = knob(
        1.0, 0.0, 1.0, "How far the colors go from the style's to those that color asks for."
    )
    weights: str = knob(
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
        "Most memory to take, in GB (10⁹ bytes), all of the program counted; 0 takes what the "
        "machine has free.",
        host=True,
    )

    def __post_init__(self) -> None:
        for about in fields(self):
            object.__setattr__(self, about.name, check_knob(about, getattr(self, about.name)))
        self._check_together()

    def _check_together(self) -> None:
        shares = parse_shares(self.scale_shares)
        if shares and self.scales not in (0, len(shares)):
            raise SettingsError(
                f"scale_shares {shortened(self.scale_shares)} is for {len(shares)} sizes; scales "
                f"is {self.scales}. Give as many shares as scales, or leave one of them out."
            )
        if not (self.content_weight or self.style_weight or self.tv_weight):
            raise SettingsError(
                "content_weight, style_weight and tv_weight are all 0: there is nothing to do. "
                "Give one of them a weight."
            )
        if self.init == "matched" and self.statistic != NEAREST:
            raise SettingsError(
                f"init matched needs the matches of statistic {NEAREST}; statistic is "
                f"{self.statistic}. Use recolored with it."
            )
        if self.losses == "paper" and self.statistic != "gram":
            raise SettingsError(
                f"losses paper is a formula for statistic gram; statistic is {self.statistic}. "
                "Use relative or absolute with it."
            )


def knobs() -> dict[str, Field]:
    """The fields of `Settings` by name, in order."""
    return {about.name: about for about in fields(Settings)}
