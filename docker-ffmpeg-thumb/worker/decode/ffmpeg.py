"""Pixels: an FFmpeg child process decodes a clip, turns it upright, brings its colours to sRGB and scales it.

The child gets the clip on its standard input and gives pictures on its standard output. It has no environment, may open
no other input, knows the format and the decoder it is to use, is limited in memory, processor time, wall-clock time and
what it may write, and is cut off from files, networks and other processes as far as the kernel allows it (`isolation`);
what goes wrong in it ends this one job.
"""

import os
import resource
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import imageio_ffmpeg
from PIL import Image

import isolation
from model import WRITTEN, Limits, Rejected
from worker.codecs import DECODERS
from worker.decode.clip import TICKS, Clip
from worker.decode.graph import Graph

EXECUTABLE = next(Path(imageio_ffmpeg.__file__).parent.glob("binaries/ffmpeg-*"))
"""Found by its name: the package's own way to it runs the program to see whether it works."""

LARGEST_FRAME = 8192 * 8192
"""Pixels. An 8K frame has 33 million, twice that is the largest picture of H.264 and HEVC's highest levels."""
_AHEAD = 2**20
"""Bytes of frames that wait in the pipe, so that the next is decoded while one is used: Linux's limit for everyone."""
_OUT_OF_MEMORY = ("Cannot allocate memory", "Resource temporarily unavailable")
"""What FFmpeg says when it has no memory; the second comes from pthread_create(3), which found none for a stack."""
_MANY = 4
"""From so many frames on, decoding with several threads is worth their start and their memory."""


_ahead: "dict[_Told, _Child]" = {}
"""What was started before its clip was there."""


class DecoderKilled(Exception):
    """The child was killed by someone else: out of memory, outside its own limit. Transient, so raised."""


class Undecodable(Rejected):
    """No frame of a clip could be decoded."""


@dataclass(frozen=True)
class Frame:
    """A decoded picture, upright, with square pixels, in sRGB, transparent where the video is."""

    seconds: float
    """When the video shows it."""
    picture: Image.Image


def frames(clip: Clip, graph: Graph, limits: Limits) -> Iterator[Frame]:
    """Decode the wanted frames of a clip, in order, as a graph shows them.

    Raises:
        Undecodable: nothing could be decoded.
        Rejected: a limit was exceeded.
        DecoderKilled: the child was killed by someone else.
    """
    found = False
    for frame in _run(clip, graph.wanted(), limits):
        found = True
        yield frame
    if not found:
        # The wanted frame may be damaged, or its colour tags contradict each other: take the last that can be decoded.
        newest = deque(_run(clip, graph.untagged(), limits, any_frame=True), maxlen=1)
        if not newest:
            raise Undecodable("no frame of it could be decoded")
        yield newest[0]


def start_ahead(clip: Clip, graph: Graph, limits: Limits) -> None:
    """Start FFmpeg for a clip like this one while its packets are still on their way; what is like it then uses it."""
    told = _told(clip, graph.wanted(), limits, any_frame=False)
    if told not in _ahead:
        _ahead[told] = _Child(told, limits)


def end_unused() -> None:
    """End what was started ahead and not used."""
    while _ahead:
        _, child = _ahead.popitem()
        child.end()


@dataclass(frozen=True)
class _Told:
    """What FFmpeg is told of a clip."""

    format: str
    codec: str
    decoder: str | None
    filters: str
    threads: int
    any_frame: bool


def _told(clip: Clip, filters: str, limits: Limits, any_frame: bool) -> _Told:
    # The decoders that show transparency are stricter. An AVI has no tag of some codecs, so its decoder stays named.
    decoder = clip.decoder if not any_frame or clip.format == "avi" else None
    return _Told(clip.format, clip.codec, decoder, filters, limits.threads, any_frame)


def _run(clip: Clip, filters: str, limits: Limits, any_frame: bool = False) -> Iterator[Frame]:
    told = _told(clip, filters, limits, any_frame)
    with _ahead.pop(told, None) or _Child(told, limits) as child:
        for number, picture in enumerate(child.pictures(clip.content, limits.seconds)):
            seconds = clip.targets.get(child.tick(number))
            if seconds is not None or any_frame:
                yield Frame(seconds if seconds is not None else max(clip.targets.values()), picture)
        child.judge()


class _Child:
    """An FFmpeg under its limits; killed when time is up, and when nobody wants its pictures any more."""

    def __init__(self, told: _Told, limits: Limits) -> None:
        self._limits, self._late = limits, False
        self._timer: threading.Timer | None = None
        self._times, self._messages = _scratch("times"), _scratch("messages")
        command = [
            str(EXECUTABLE),
            *("-hide_banner", "-nostdin", "-loglevel", "error", "-filter_threads", "1"),
            *("-max_alloc", str(limits.memory // 2), "-copyts"),
            *("-threads", str(told.threads), "-protocol_whitelist", "pipe", "-max_pixels", str(LARGEST_FRAME)),
            # The clip says all; without this, its first picture is decoded twice.
            *(() if told.any_frame else ("-nofind_stream_info",)),
            # Where decoding may begin was decided; H.264 that begins with a frame that says nothing of it is no fault.
            *("-flags", "+output_corrupt"),
            *("-codec_whitelist", DECODERS[told.codec], *(("-c:v", told.decoder) if told.decoder else ())),
            *("-f", told.format, "-i", "pipe:0"),
            *("-map", "0:v:0", "-fps_mode", "passthrough", "-vf", told.filters),
            *("-enc_time_base:v", f"1:{TICKS}"),
            *("-stats_enc_pre:v", f"pipe:{self._times}", "-stats_enc_pre_fmt:v", "{pts}"),
            *("-threads", "1", "-c:v", "pam", "-f", "image2pipe", "pipe:1"),
        ]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._messages,
                pass_fds=(self._times,),
                env={},
                cwd="/",
                pipesize=_AHEAD,
                # A worker has no thread at this moment, and what runs in its fork allocates little.
                preexec_fn=lambda: _confine(limits),
            )
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> "_Child":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._process.kill()
        self._wait()
        self._close()

    def pictures(self, content: bytes, seconds: float) -> Iterator[Image.Image]:
        """Feed it a clip, and give what it makes of it within so many seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._timer = threading.Timer(seconds, self._out_of_time)
        self._timer.daemon = True
        self._timer.start()
        feeder = threading.Thread(target=_feed, args=(self._process.stdin, content), daemon=True)
        feeder.start()
        yield from _pictures(self._process.stdout)
        feeder.join()

    def tick(self, number: int) -> int:
        """Return the timestamp of a picture."""
        return _tick(self._times, number)

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._close()

    def _wait(self) -> None:
        assert self._process.stdout is not None
        self._process.stdout.close()
        if self._process.poll() is None:
            try:
                self._process.wait(timeout=max(0.1, self._limits.seconds))
            except subprocess.TimeoutExpired:
                self._out_of_time()
                self._process.wait()
        if self._timer is not None:
            self._timer.cancel()

    def _close(self) -> None:
        os.close(self._times)
        os.close(self._messages)

    def judge(self) -> None:
        """State how it ended, where that was not by itself.

        Raises:
            Rejected: a limit was exceeded, or its decoder crashed.
            DecoderKilled: it was killed by someone else.
        """
        self._wait()
        code, message = self._process.returncode, _tail(self._messages)
        if self._late or code == -signal.SIGXCPU:
            raise Rejected(f"its pictures took longer than {self._limits.seconds:.0f} s to decode")
        if code == -signal.SIGKILL:
            raise DecoderKilled(
                "FFmpeg was killed from outside, most likely for memory; raise memorySize if this stays"
            )
        if any(words in message for words in _OUT_OF_MEMORY):
            raise Rejected(f"its pictures need more than {self._limits.memory // 2**20} MiB of memory to decode")
        if code < 0:
            raise Rejected(f"its decoder ended by {signal.Signals(-code).name}")

    def _out_of_time(self) -> None:
        self._late = True
        self._process.kill()


def _confine(limits: Limits) -> None:
    """Limit and confine the fork that becomes FFmpeg."""
    cpu = int(limits.seconds * (os.cpu_count() or 1)) + 1
    for kind, value in (
        (resource.RLIMIT_DATA, limits.memory),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, WRITTEN),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # Where both are the same, the kernel ends a process for its time as if somebody else had (setrlimit(2)).
        most = value + 1 if kind == resource.RLIMIT_CPU and value != hard else value
        resource.setrlimit(kind, (value, most))
    isolation.confine_decoder(EXECUTABLE)


def _scratch(name: str) -> int:
    """Return a file without a name; where the kernel has none in memory, one in the temporary folder."""
    try:
        return os.memfd_create(name)
    except OSError:
        # Named, because the usual search for a folder would write there, which a worker may not.
        with tempfile.TemporaryFile(dir="/tmp") as file:
            return os.dup(file.fileno())


def _feed(stdin: IO[bytes], content: bytes) -> None:
    try:
        with stdin:
            stdin.write(content)
    except BrokenPipeError:
        return  # It ended before it had read all; how, its exit status says.


def _pictures(stdout: IO[bytes]) -> Iterator[Image.Image]:
    """Read portable arbitrary maps (Netpbm's PAM), one after the other, until the output ends or breaks off."""
    while True:
        header: dict[bytes, bytes] = {}
        while (line := stdout.readline(128)).strip() != b"ENDHDR":
            if not line:
                return
            name, _, value = line.strip().partition(b" ")
            header[name] = value
        width, height, depth = (int(header[name]) for name in (b"WIDTH", b"HEIGHT", b"DEPTH"))
        content = stdout.read(width * height * depth)
        if len(content) < width * height * depth:
            return
        picture = Image.frombytes("RGBA" if depth == 4 else "RGB", (width, height), content)
        is_opaque = picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255)
        yield picture.convert("RGB") if is_opaque else picture


def _tick(times: int, number: int) -> int:
    """Return the timestamp of a picture: FFmpeg writes it before it encodes the picture."""
    return int(os.pread(times, WRITTEN, 0).splitlines()[number])


def _tail(file: int) -> str:
    size = os.fstat(file).st_size
    return os.pread(file, 4096, max(0, size - 4096)).decode(errors="replace")
