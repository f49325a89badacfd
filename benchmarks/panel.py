"""Panel of stylized pictures: six contents × eight styles, a sheet for each pair, and measures.

`python -m benchmarks.panel FOLDER` makes the pictures and the sheets. Every picture is saved in
FOLDER as a PNG with its recipe, so that an interrupted run continues where it stopped; a picture
whose settings have changed is made again. Recipes do not show changes of the program: use a new
folder after those. FOLDER/pictures.jsonl gets a line for each picture made, and FOLDER/overview.jpg
has all default pictures that are made, small, a row for each content.

`python -m benchmarks.panel FOLDER --measure` makes no pictures. It writes FOLDER/measures.md, a
table of `benchmarks.measures` over the pictures of `MEASURED` in FOLDER. Distances to the style
need the file that `python -m benchmarks.trained_vgg16` writes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.measures import clipped_share, edge_coherence, nearest_distance, weave
from benchmarks.sheets import EXAMPLES, fit_within, lay_out
from neural_style import (
    BACKBONES,
    PRESETS,
    NeuralStyleError,
    Settings,
    load_image,
    save_image,
    stylize,
)
from neural_style.images.files import resize
from neural_style.images.sizes import fit
from neural_style.network.extractor import Network, layers_until, load_network, run_layers
from neural_style.network.weights import load_weights
from neural_style.record.recipe import read_recipe, settings_of
from neural_style.settings.settings import knobs

CONTENTS = ("summer-palace", "chelsea", "dahlia", "astronaut", "coffee", "rocket")
STYLES = (
    "cafe-terrace-at-night",
    "great-wave",
    "composition-viii",
    "summertime",
    "harvest-at-la-crau",
    "inokashira-snow",
    "the-harvesters",
    "portrait-of-pere-tanguy",
)

CROWSON_STEPS = 400
"""Steps of the preset crowson; all 3000 would take longer than a pair's other pictures together."""

OVERVIEW = 240
"""Largest side of the overview's pictures, in pixels."""

MEASURED = ("default", "classic", "crowson")
"""Variants whose pictures are measured."""

LAYERS = ("relu3_3", "relu4_3")
"""Layers of the trained VGG-16, which no run uses."""

COLUMNS = (
    "weave",
    "weave of the style",
    *(f"distance {layer}" for layer in LAYERS),
    "coherence",
    "clipped",
    "clipped of the style",
)


class Variant(NamedTuple):
    """One way to make a picture: its word in file names, its caption, its settings."""

    word: str
    caption: str
    settings: Settings


def variants(size: int) -> dict[str, list[Variant]]:
    """Word for `--only` → the variants on the sheets; presets that do not exist are skipped.

    All have one size, whatever the preset's, and use the packaged weights.
    """
    steps = min(CROWSON_STEPS, PRESETS["crowson"].iterations)
    captions = {
        "default": ("balanced", "default"),
        "quick": ("quick", "quick"),
        "classic": ("classic", "classic"),
        "crowson": ("crowson", f"crowson, {steps} of {PRESETS['crowson'].iterations} steps"),
    }
    listed = {
        word: [
            Variant(word, caption, replace(PRESETS[name], size=size, network_weights="packaged"))
        ]
        for word, (name, caption) in captions.items()
    }
    crowson = listed["crowson"][0]
    listed["crowson"] = [crowson._replace(settings=replace(crowson.settings, iterations=steps))]
    usual = listed["default"][0].settings
    listed["seeds"] = [
        Variant(f"seed-{seed}", f"default, seed {seed}", replace(usual, seed=seed))
        for seed in (1, 2)
    ]
    weight = usual.style_weight
    listed["strengths"] = [
        Variant("weight-low", "style weight / 4", replace(usual, style_weight=weight / 4)),
        Variant("default", "style weight as usual", usual),
        Variant("weight-high", "style weight * 4", replace(usual, style_weight=4 * weight)),
    ]
    longer = replace(usual, iterations=3 * usual.iterations)
    listed["steps"] = [Variant("steps-3", "default, three times the steps", longer)]
    return listed


def picture_path(folder: Path, content: str, style: str, word: str) -> Path:
    """The path of a pair's picture for a variant's word."""
    return folder / f"{content} {style} {word}.png"


def is_made(path: Path, settings: Settings) -> bool:
    """Whether the file exists and is the finished picture of these settings."""
    try:
        recipe = read_recipe(path)
    except NeuralStyleError:
        return False
    host = {
        name: getattr(settings, name) for name, about in knobs().items() if about.metadata["host"]
    }
    return settings_of(recipe, **host) == settings and recipe.iteration == settings.iterations


def make(folder: Path, content: str, style: str, variant: Variant) -> None:
    """Makes one picture and records its seconds, including those to load the network."""
    pictures = load_example("content", content), load_example("style", style)
    *_, frame = stylize(*pictures, variant.settings)
    path = picture_path(folder, content, style, variant.word)
    save_image(frame.image, path, frame.recipe)
    line = {
        "content": content,
        "style": style,
        "picture": variant.word,
        "size": variant.settings.size,
        "iterations": variant.settings.iterations,
        "seconds": round(frame.seconds, 2),
    }
    with (folder / "pictures.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    print(f"{path.name}: {frame.seconds:.0f} s", flush=True)


def write_sheet(folder: Path, content: str, style: str, size: int) -> None:
    """A sheet with content, style and the pair's finished groups, four pictures per row."""
    photo = load_example("content", content)
    photo = resize(photo, *fit(*photo.shape[-2:], size))
    painting = fit_within(load_example("style", style), *photo.shape[-2:])
    pictures, captions = [photo, painting], [content, style]
    for group in variants(size).values():
        paths = [picture_path(folder, content, style, variant.word) for variant in group]
        if all(is_made(path, one.settings) for path, one in zip(paths, group, strict=True)):
            pictures += map(load_image, paths)
            captions += [variant.caption for variant in group]
    sheet = lay_out(pictures, captions, columns=4)
    sheet.save(folder / f"{content} {style}.jpg", quality=92, subsampling=0)


def write_overview(folder: Path, contents: list[str], styles: list[str], size: int) -> None:
    """The default pictures, `OVERVIEW` pixels a side at most, on one sheet; those made so far."""
    (usual,) = variants(size)["default"]
    paths = {
        f"{content}, {style}": picture_path(folder, content, style, usual.word)
        for content in contents
        for style in styles
    }
    made = {pair: path for pair, path in paths.items() if is_made(path, usual.settings)}
    if made:
        small = [fit_within(load_image(path), OVERVIEW, OVERVIEW) for path in made.values()]
        sheet = lay_out(small, [*made], columns=len(styles))
        sheet.save(folder / "overview.jpg", quality=88)


@cache
def load_example(kind: str, name: str) -> Tensor:
    """An example picture in its own size; `kind` is content or style."""
    return load_image(EXAMPLES / kind / f"{name}.jpg")


def load_judge(weights: Path) -> Network:
    """VGG-16 up to the deepest of `LAYERS`, in float32 on the CPU."""
    if not weights.is_file():
        raise SystemExit(
            f"There is no {weights}. Make it: python -m benchmarks.trained_vgg16 {weights}"
        )
    loaded = load_weights("vgg16", str(weights))
    return load_network(
        BACKBONES["vgg16"].build(),
        loaded.tensors,
        loaded.units,
        device=torch.device("cpu"),
        layers=LAYERS,
    )


def look(network: Network, image: Tensor) -> list[Tensor]:
    """Activations of `LAYERS`."""
    seen: dict[str, Tensor] = {}
    with torch.no_grad():
        run_layers(
            network,
            image,
            layers_until(network, LAYERS),
            LAYERS,
            lambda name, x: seen.setdefault(name, x.clone()),
        )
    return [seen[layer] for layer in LAYERS]


def measure(image: Tensor, content: Tensor, style: Tensor, look: Callable) -> list[float]:
    """The numbers of `COLUMNS`.

    Args:
        image: The picture to measure.
        content: The content image, of any size.
        style: The style image at the size that the run used.
        look: Returns the activations of a picture, by layer.
    """
    distances = map(nearest_distance, look(image), look(style))
    coherence = edge_coherence(image, resize(content, *image.shape[-2:]))
    own, others = clipped_share(image), clipped_share(style)
    return [weave(image), weave(style), *distances, coherence, own, others]


def measure_pair(folder: Path, content: str, style: str, size: int, look: Callable) -> dict:
    """Word → measures, of the content and of the finished pictures of `MEASURED`."""
    photo, painting = load_example("content", content), load_example("style", style)
    longest = min(size, max(painting.shape[-2:]))
    painting = resize(painting, *fit(*painting.shape[-2:], longest))
    images = {"content": resize(photo, *fit(*photo.shape[-2:], size))}
    for word, (variant, *_) in variants(size).items():
        path = picture_path(folder, content, style, word)
        if word in MEASURED and is_made(path, variant.settings):
            images[word] = load_image(path)
    if len(images) == 1:
        return {}
    return {word: measure(image, photo, painting, look) for word, image in images.items()}


def write_table(measured: dict[tuple[str, str], dict[str, list[float]]]) -> str:
    """A Markdown page: means over the pairs for each kind of picture, then each pair.

    Args:
        measured: Content and style → word → the numbers of `COLUMNS`.
    """
    kinds = dict.fromkeys(word for pair in measured.values() for word in pair)
    lines = ["# Measures", "", *_head("picture", "pairs")]
    for word in kinds:
        rows = [pair[word] for pair in measured.values() if word in pair]
        lines.append(_row(word, len(rows), *map(mean, zip(*rows, strict=True))))
    lines += ["", "## Each pair", "", *_head("content", "style", "picture")]
    lines += [
        _row(*names, word, *numbers)
        for names, pair in measured.items()
        for word, numbers in pair.items()
    ]
    return "\n".join(lines) + "\n"


def _head(*names: str) -> list[str]:
    return [_row(*names, *COLUMNS), "|" + len(names) * "---|" + len(COLUMNS) * "--:|"]


def _row(*cells: Any) -> str:
    words = (f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells)
    return f"| {' | '.join(words)} |"


def some_of(known: Sequence[str], text: str) -> list[str]:
    """The words of a comma-separated list, checked against the known ones."""
    words = text.split(",")
    if unknown := set(words) - set(known):
        raise argparse.ArgumentTypeError(
            f"{', '.join(sorted(unknown))} not among {', '.join(known)}"
        )
    return words


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The parsed command line, with checked lists of words."""
    known = {
        kind: sorted(path.stem for path in (EXAMPLES / kind).glob("*.jpg"))
        for kind in ("content", "style")
    }
    groups = [*variants(64)]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.panel",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path)
    for flag, usual, words in (
        ("--contents", CONTENTS, known["content"]),
        ("--styles", STYLES, known["style"]),
        ("--only", groups, groups),
    ):
        parser.add_argument(
            flag,
            type=partial(some_of, words),
            default=[*usual],
            metavar="A,B",
            help=f"of {', '.join(words)}",
        )
    parser.add_argument("--size", type=int, default=384, help="longest side, in pixels")
    parser.add_argument("--measure", action="store_true", help="measure what is made")
    parser.add_argument(
        "--vgg16",
        type=Path,
        default=EXAMPLES.parent / "benchmarks/pictures/vgg16.safetensors",
        help="the file of benchmarks.trained_vgg16 (%(default)s)",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    pairs = [(content, style) for content in options.contents for style in options.styles]
    if options.measure:
        network = load_judge(options.vgg16)
        measured = {
            pair: numbers
            for pair in pairs
            if (
                numbers := measure_pair(options.folder, *pair, options.size, partial(look, network))
            )
        }
        if not measured:
            raise SystemExit(f"{options.folder} holds no pictures of these pairs at this size.")
        (options.folder / "measures.md").write_text(write_table(measured))
        return
    groups = variants(options.size)
    chosen = {one.word: one for group in options.only for one in groups[group]}
    for content, style in pairs:
        for word, variant in chosen.items():
            path = picture_path(options.folder, content, style, word)
            if not is_made(path, variant.settings):
                make(options.folder, content, style, variant)
        write_sheet(options.folder, content, style, options.size)
    write_overview(options.folder, options.contents, options.styles, options.size)


if __name__ == "__main__":
    main()
