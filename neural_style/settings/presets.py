"""Presets: named settings, each with its purpose or source."""

from __future__ import annotations

from functools import partial

from neural_style.errors import SettingsError
from neural_style.settings.settings import Settings

_STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
_EACH = dict.fromkeys(_STYLE_LAYERS, 1.0)
_FIFTHS = dict.fromkeys(_STYLE_LAYERS, 0.2)

_Textbook = partial(
    Settings,
    engine="plain",
    statistic="gram",
    loss_units="absolute",
    style_layers=_EACH,
    noise_ratio=0.0,
    border="zeros",
    network_weights="packaged",
)
"""The papers' loop, with the original VGG weights of Simonyan and Zisserman."""

_Classic = partial(Settings, statistic="gram", tv_weight=80.0)
"""Gatys' Gram matrices with relative losses and this program's own engine."""

MANNERS: dict[str, dict[str, str]] = {
    "strokes": {"quick": "quick", "balanced": "balanced", "fine": "fine"},
    "classic": {"quick": "classic-quick", "balanced": "classic", "fine": "classic-fine"},
}
"""Manner → quality → preset. Strokes uses statistic nearest, Classic uses Gram matrices."""

MANNER_HELP: dict[str, str] = {
    "strokes": "Each place of the picture imitates the places of the style that are most similar "
    "to it, with their brush strokes.",
    "classic": "The picture as a whole imitates the textures and colors of the style, by Gram "
    "matrices.",
}
"""Manner → help text for the page and the shell."""

DEFAULT_MANNER, DEFAULT_QUALITY = "strokes", "balanced"

PRESETS: dict[str, Settings] = {
    # The default.
    "balanced": Settings(),
    # For a first try of two pictures.
    "quick": Settings(iterations=20, size=256),
    # For a final picture.
    "fine": Settings(iterations=60, size=1024),
    # The same three with Gram matrices.
    "classic": _Classic(iterations=200),
    "classic-quick": _Classic(iterations=100, size=384),
    "classic-fine": _Classic(iterations=500, size=1024, scales=4),
    # The presets below reproduce other programs, with their formulas, start picture and optimizer.
    #
    # Gatys, Ecker and Bethge, *A Neural Algorithm of Artistic Style* (arXiv 1508.06576).
    "gatys-2015": _Textbook(
        iterations=500,
        init="noise",
        loss_units="paper",
        content_weight=0.001,
        style_weight=1.0,
        style_layers=_FIFTHS,
        pooling="avg",
    ),
    # Gatys et al., *Controlling Perceptual Factors in Neural Style Transfer* (arXiv 1611.07865).
    "gatys-2017": _Textbook(
        iterations=700,
        size=1024,
        scales=2,
        scale_shares=(5, 2),
        content_weight=1.0,
        style_weight=1000.0,
    ),
    # github.com/jcjohnson/neural-style
    "johnson": _Textbook(
        iterations=1000,
        init="mean",
        noise_ratio=0.001 / 255,
        content_weight=5.0,
        style_weight=100.0,
        tv_form="sum",
        tv_weight=0.001,
    ),
    # github.com/anishathalye/neural-style
    "anishathalye": _Textbook(
        iterations=1000,
        init="mean",
        noise_ratio=0.256 / 255,
        optimizer="adam",
        content_weight=5.0,
        style_weight=500.0,
        style_layers=_FIFTHS,
        tv_form="levels",
        tv_weight=100.0,
    ),
    # github.com/crowsonkb/style-transfer-pytorch
    "crowson": Settings(
        iterations=3000,
        scales=5,
        scale_factor=2**0.5,
        scale_shares=(2, 1, 1, 1, 1),
        init="content",
        noise_ratio=0.0,
        optimizer="adam",
        loss_units="absolute",
        statistic="wasserstein",
        content_weight=0.015,
        style_weight=1 / 341,
        style_layers=dict(zip(_STYLE_LAYERS, (256, 64, 16, 4, 1), strict=True)),
        tv_form="nine_points",
        tv_weight=2.0,
        average=0.99,
    ),
    # pastiche 1.6.0 from PyPI
    "pastiche": _Textbook(
        iterations=1000, content_weight=0.01, style_weight=10.0, style_fit="area"
    ),
}


def choose_preset(name: str, manner: str | None = None) -> Settings:
    """The preset of that name, or the manner's preset if the name is a quality.

    Args:
        name: One of `PRESETS`.
        manner: One of `MANNERS`; None for the default or the named preset's manner.

    Raises:
        SettingsError: The preset belongs to another manner.
    """
    qualities = MANNERS[manner or DEFAULT_MANNER]
    if manner is not None and name not in (*qualities, *qualities.values()):
        raise SettingsError(
            "settings.preset_of_another_manner",
            preset=name,
            manner=manner,
            choices=(*qualities,),
        )
    return PRESETS[qualities.get(name, name)]
