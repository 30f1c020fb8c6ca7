"""The plots of the page: bytes, time and peak memory against the size of the object.

Run by the Python that has Matplotlib: `python -m benchmarks.plots FIGURES.json FOLDER`.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

WAYS = {
    # The way, what the legend says, its colour (Okabe and Ito's, which colour-blind people can tell apart).
    "auto": ("this handler, auto", "#0072b2"),
    "10%": ("this handler, 10%", "#56b4e9"),
    "URL 10%": ("FFmpeg on the URL", "#e69f00"),
    "ffmpegthumbnailer": ("ffmpegthumbnailer on the URL", "#009e73"),
    "download": ("download, seek, upload", "#d55e00"),
}
PLOTS = {
    # The figure, what the axis says, by how much it is divided.
    "bytes": ("read, MB", 1e6),
    "wall": ("time on the machine measured, s", 1.0),
    "peak": ("peak memory, MB", 1e6),
}
FILES = {"bytes": "benchmark-bytes.svg", "wall": "benchmark-time.svg", "peak": "benchmark-memory.svg"}


def main() -> None:
    """Draw all plots from the figures that the benchmark has kept."""
    figures = [each for each in json.loads(Path(sys.argv[1]).read_text()) if _is_on_plots(each)]
    # By name: the checks run where Matplotlib is not installed.
    matplotlib: Any = importlib.import_module("matplotlib")
    matplotlib.use("svg")
    # The same file for the same figures.
    matplotlib.rcParams.update({"svg.hashsalt": "benchmark", "font.size": 9, "svg.fonttype": "none"})
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    for field, (label, unit) in PLOTS.items():
        figure, axes = pyplot.subplots(figsize=(6, 3.6), layout="constrained")
        for way, (legend, colour) in WAYS.items():
            points = sorted((each["object_bytes"] / 1e6, each[field] / unit) for each in figures if each["way"] == way)
            if points:
                axes.plot(*zip(*points, strict=True), marker="o", markersize=4, color=colour, label=legend)
        axes.set(xscale="log", yscale="linear" if field == "peak" else "log", xlabel="object, MB", ylabel=label)
        if field == "peak":
            axes.set_ylim(bottom=0)
        axes.grid(True, which="major", linewidth=0.4, alpha=0.6)
        axes.legend(frameon=False, fontsize=8)
        figure.savefig(Path(sys.argv[2]) / FILES[field], metadata={"Date": None}, facecolor="white")
        pyplot.close(figure)


def _is_on_plots(each: dict[str, Any]) -> bool:
    group: str = each["group"]
    return group == "cat" or group.endswith("index first")


if __name__ == "__main__":
    main()
