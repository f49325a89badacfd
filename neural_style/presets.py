"""Named settings, each with its reason."""

from __future__ import annotations

from neural_style.settings import Settings

PRESETS: dict[str, Settings] = {
    # The default: what a person waits for, and hangs on a wall.
    "balanced": Settings(),
    # A first look at a pair of pictures.
    "quick": Settings(iterations=100, size=384),
    # Larger and longer, for a pair that has proved itself.
    "fine": Settings(iterations=500, size=1024, scales=4),
}
