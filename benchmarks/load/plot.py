"""Draws the samples of a run: `python plot.py SAMPLES.json PICTURE.svg`, in an environment that has Matplotlib.

It imports nothing of this project: that environment has another boto3 than the rest.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

POINTS = 160
"""Points of a line; more make the file larger and the picture no clearer."""
MIB = 2**20
PANELS = (
    ("rss", MIB, "resident memory (RSS), MiB"),
    ("pss", MIB, "proportional memory (PSS), MiB"),
    ("descriptors", 1, "open files"),
)


def main(samples: list[dict[str, Any]], path: Path) -> None:
    """Three panels above each other, a line for every handler."""
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "load", "svg.fonttype": "none", "font.size": 9})
    pyplot = importlib.import_module("matplotlib.pyplot")
    figure, panels = pyplot.subplots(len(PANELS), 1, sharex=True, figsize=(8, 7.5), layout="constrained")
    for panel, (field, unit, title) in zip(panels, PANELS, strict=True):
        for number, pid in enumerate(sorted({sample["pid"] for sample in samples}), 1):
            mine = [sample for sample in samples if sample["pid"] == pid]
            mine = mine[:: max(1, len(mine) // POINTS)]
            panel.plot(
                [sample["seconds"] for sample in mine],
                [sample[field] / unit for sample in mine],
                linewidth=0.9,
                label=f"handler {number}",
            )
        panel.set_title(title, loc="left")
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    events = panels[0].twinx()
    line = samples[:: max(1, len(samples) // POINTS)]
    events.plot(
        [sample["seconds"] for sample in line],
        [sample["answered"] for sample in line],
        color="grey",
        linestyle=":",
        label="events answered (right)",
    )
    events.set_ylim(bottom=0)
    lines, labels = zip(*(axes.get_legend_handles_labels() for axes in (panels[0], events)), strict=True)
    panels[0].legend([*lines[0], *lines[1]], [*labels[0], *labels[1]], loc="lower right", fontsize=8)
    panels[-1].set_xlabel("seconds since the first upload")
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
