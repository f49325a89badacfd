"""Measures the time to the first picture in a warm process; prints JSON.

`python -m benchmarks.first_picture CONTENT STYLE`: the second of two runs with the defaults, up to
the first frame saved as a PNG file, as on the page.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from neural_style import Settings, load_image, save_image, stylize


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            began = time.perf_counter()
            pictures = [load_image(path) for path in sys.argv[1:3]]
            frame = next(stylize(*pictures, Settings(network_weights="packaged"), every=1))
            save_image(frame.image, Path(folder) / "first.png")
            seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
