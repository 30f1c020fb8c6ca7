"""A template whose workers fail when they import a module: whatever they need, the template was to have.

It is no test itself: `test_workers` starts it in the place of `worker.template`.
"""

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2] / "docker-ffmpeg-thumb"
sys.path.insert(0, str(ROOT))

from worker import job, template  # noqa: E402

run = job.run


def watched(*given: Any) -> Any:
    known = set(sys.modules)
    done = run(*given)
    if imported := sorted(set(sys.modules) - known):
        raise ImportError(f"imported {', '.join(imported)}")
    return done


if __name__ == "__main__":
    job.__dict__["run"] = watched
    template.main()
