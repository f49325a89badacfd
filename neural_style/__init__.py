"""Neural style transfer: one picture repainted in the style of another.

>>> from neural_style import Settings, load_image, save_image, stylize
>>> for frame in stylize(load_image("a.jpg"), load_image("b.jpg"), Settings(size=512)):
...     print(frame.iteration, frame.losses, frame.seconds)
>>> save_image(frame.image, "out.png")
"""

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
from neural_style.run.frame import Frame
from neural_style.settings.presets import PRESETS
from neural_style.settings.settings import Settings
from neural_style.transfer import stylize
from neural_style.version import __version__

__all__ = [
    "BACKBONES",
    "PRESETS",
    "FileError",
    "Frame",
    "ImageError",
    "Masks",
    "NeuralStyleError",
    "Settings",
    "SettingsError",
    "StateError",
    "WeightsError",
    "__version__",
    "load_image",
    "save_image",
    "stylize",
]
