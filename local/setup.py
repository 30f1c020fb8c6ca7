"""Sets this checkout up: virtual environments and the Runtime Interface Emulator; does nothing where all is there.

Run by a Python 3.11 or newer with nothing installed (`make setup`). Each part has a stamp that holds what it was made
of, so a part is made again exactly when its requirements, or the Python, have changed.
"""

import hashlib
import platform
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCAL = ROOT / ".local"
EMULATOR = LOCAL / "emulator"
RIE = LOCAL / "aws-lambda-rie"
LOG = LOCAL / "setup.log"
REQUIREMENTS = ROOT / "requirements-dev.txt"
EMULATOR_REQUIREMENTS = ROOT / "local" / "requirements-emulator.txt"
RIE_REQUIREMENTS = ROOT / "local" / "requirements-rie.txt"
RIE_IN_WHEEL = {
    "x86_64": "samcli/local/rapid/aws-lambda-rie-x86_64",
    "aarch64": "samcli/local/rapid/aws-lambda-rie-arm64",
}


class SetupFailure(Exception):
    """What could not be set up, why, and what to do, in one line."""


def main() -> None:
    check_python()
    LOCAL.mkdir(exist_ok=True)
    ignore_in_git(LOCAL)
    made_anew(VENV / "ready", REQUIREMENTS, make_venv)
    made_anew(EMULATOR / "ready", EMULATOR_REQUIREMENTS, make_emulator)
    if platform.system() == "Linux":
        made_anew(RIE.with_suffix(".ready"), RIE_REQUIREMENTS, make_rie)


def check_python() -> None:
    """One clear line where this Python cannot make what is needed."""
    here = f"Python {platform.python_version()} ({sys.executable})"
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise SetupFailure(
            f"{here} has no {error.name}: install it (Debian, Ubuntu: apt-get install {package})"
        ) from None


def made_anew(stamp: Path, requirements: Path, make: Callable[[], None]) -> None:
    """Call `make` unless `stamp` says that it was done with these requirements and this Python."""
    if not requirements.exists():
        raise SetupFailure(f"{requirements} is missing: the checkout is not complete")
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    now = f"{platform.python_version()} {platform.machine()} {digest}\n"
    if stamp.exists() and stamp.read_text() == now:
        return
    make()
    stamp.write_text(now)


def make_venv() -> None:
    """Make the environment of the program, the tests and the handler as a process, all in the versions of the image."""
    print(f"setting up .venv with Python {platform.python_version()}", flush=True)
    create_venv(VENV)
    install(VENV, REQUIREMENTS)


def make_emulator() -> None:
    """Make the environment of the emulated AWS."""
    print("setting up .local/emulator: the emulated AWS (MiniStack)", flush=True)
    create_venv(EMULATOR)
    install(EMULATOR, EMULATOR_REQUIREMENTS)


def make_rie() -> None:
    """Fetch the Runtime Interface Emulator of this machine's processor."""
    print("setting up .local/aws-lambda-rie: AWS's Runtime Interface Emulator", flush=True)
    machine = platform.machine()
    if machine not in RIE_IN_WHEEL:
        raise SetupFailure(
            f"there is no Runtime Interface Emulator for {machine}; there is for {', '.join(RIE_IN_WHEEL)}"
        )
    wheels = LOCAL / "wheels"
    pip(
        VENV,
        *("download", "--no-deps", "--require-hashes", "--requirement", str(RIE_REQUIREMENTS), "--dest", str(wheels)),
    )
    for wheel in wheels.glob("aws_sam_cli-*.whl"):
        RIE.write_bytes(zipfile.ZipFile(wheel).read(RIE_IN_WHEEL[machine]))
        RIE.chmod(0o755)
        wheel.unlink()


def create_venv(folder: Path) -> None:
    """Make an empty virtual environment of this Python; one of another Python is replaced."""
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise SetupFailure(f"{folder} could not be made: {last_line(done.stdout)}")
    ignore_in_git(folder)


def ignore_in_git(folder: Path) -> None:
    (folder / ".gitignore").write_text("*\n")


def install(venv: Path, locked: Path) -> None:
    """Install locked requirements, each by its hash.

    Raises:
        SetupFailure: pip failed.
    """
    pip(venv, "install", "--require-hashes", "--requirement", str(locked))


def pip(venv: Path, *arguments: str) -> None:
    """Run pip; shows what it is at, keeps all that it says in a log."""
    command = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    terminal = sys.stdout.isatty()
    said: list[str] = []
    with (
        LOG.open("a") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            log.write(line)
            said.append(line)
            step = line.strip()
            if step.startswith(("Downloading", "Building", "Installing")):
                step = step if len(step) < 100 else step[:99] + "…"
                print(f"\r\033[K  {step}" if terminal else f"  {step}", end="" if terminal else "\n", flush=True)
    if terminal:
        print("\r\033[K", end="", flush=True)
    if process.returncode != 0:
        errors = [line for line in said if line.startswith("ERROR:")]
        raise SetupFailure(f"pip {arguments[0]} failed: {last_line(''.join(errors or said))}; see {LOG}")


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


if __name__ == "__main__":
    try:
        main()
    except SetupFailure as failure:
        sys.exit(f"make: {failure}")
    except KeyboardInterrupt:
        sys.exit("make: set-up was interrupted; the next run goes on with it")
