"""Neural style transfer: one picture repainted in the style of another.

>>> from neural_style import Settings, load_image, save_image, stylize
>>> for frame in stylize(load_image("a.jpg"), load_image("b.jpg"), Settings(size=512)):
...     print(frame.iteration, frame.losses, frame.seconds)
>>> save_image(frame.image, "out.png")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neural_style.errors import (
        FileError,
        ImageError,
        NeuralStyleError,
        SettingsError,
        StateError,
        WeightsError,
    )
    from neural_style.images.files import load_image, save_image
    from neural_style.images.masks import Masks
    from neural_style.network.backbones import BACKBONES
    from neural_style.network.reuse import Reuse
    from neural_style.run.frame import Frame
    from neural_style.settings.presets import PRESETS
    from neural_style.settings.settings import Settings
    from neural_style.transfer import stylize
    from neural_style.version import __version__

_HOMES = {
    "BACKBONES": "network.backbones",
    "PRESETS": "settings.presets",
    "FileError": "errors",
    "Frame": "run.frame",
    "ImageError": "errors",
    "Masks": "images.masks",
    "NeuralStyleError": "errors",
    "Reuse": "network.reuse",
    "Settings": "settings.settings",
    "SettingsError": "errors",
    "StateError": "errors",
    "WeightsError": "errors",
    "__version__": "version",
    "load_image": "images.files",
    "save_image": "images.files",
    "stylize": "transfer",
}
"""Public name → its module. It is imported at first use: PyTorch takes seconds, and the shell
handles Ctrl-C meanwhile."""

__all__ = [
    "BACKBONES",
    "PRESETS",
    "FileError",
    "Frame",
    "ImageError",
    "Masks",
    "NeuralStyleError",
    "Reuse",
    "Settings",
    "SettingsError",
    "StateError",
    "WeightsError",
    "__version__",
    "load_image",
    "save_image",
    "stylize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__]
