"""What a process does that was forked for one Pulumi program.

It is named by its full path: pytest imports the modules beside it under a shorter one, which no other process knows.
"""

from pathlib import Path


def run(request: str, answer: str, printed: str) -> None:
    """Run the program; see `run_program.main`."""
    # Here it is imported already; whoever starts the process would import Pulumi for it.
    from tests.infrastructure import run_program

    run_program.main(request, Path(answer), Path(printed))
