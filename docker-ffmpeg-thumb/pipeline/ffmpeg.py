"""Pixels: an FFmpeg child process decodes a clip, turns it upright, brings its colours to sRGB and scales it.

The child gets the clip on its standard input and gives pictures on its standard output. It has no environment, may open
no other input, knows the format and the decoder it is to use, is limited in memory, processor time, wall-clock time and
what it may write, and is cut off from networks and other processes (`isolation`); what goes wrong in it ends this one
job.
"""

import os
import resource
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import IO

import imageio_ffmpeg
from PIL import Image

from pipeline import isolation
from pipeline.clip import TICKS, Clip
from pipeline.codecs import DECODERS
from pipeline.colours import Colours
from pipeline.confinement import WRITTEN
from pipeline.outcome import Rejected
from pipeline.settings import WIDEST

EXECUTABLE = imageio_ffmpeg.get_ffmpeg_exe()

LARGEST_FRAME = 8192 * 8192
"""Pixels. An 8K frame has 33 million, twice that is the largest picture of H.264 and HEVC's highest levels."""
_WANTED = f"select='not(mod(round(t*{TICKS}),2))',"
"""Lets pass what a clip marks as wanted, before any work is done on the others."""
_LARGEST_TERM = 2**16
"""Of a ratio; one of larger terms is rounded."""
_UNTAGGED = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709,"
_AHEAD = 2**20
"""Bytes of pictures that wait in the pipe, so that the next is decoded while one is looked at: Linux's most for all."""
_OUT_OF_MEMORY = ("Cannot allocate memory", "Resource temporarily unavailable")
"""What FFmpeg says then; the second is pthread_create(3)'s, when there is none for the stack of a thread."""
_MANY = 4
"""From so many pictures on, decoding with several threads is worth their start and their memory."""


class DecoderKilled(Exception):
    """The child was killed by someone else: out of memory, outside its own limit. Transient, so raised."""


@dataclass(frozen=True)
class Limits:
    """What the child may use."""

    memory: int
    """Bytes of data; see `confinement.Allowance`."""
    seconds: float
    """Of wall-clock time, and as many of processor time on each processor."""


@dataclass(frozen=True)
class Box:
    """The size that pictures are wanted in, in pixels; a width of 0 is the video's own, a height of 0 follows."""

    width: int
    height: int = 0
    cover: bool = False
    """Whether the picture is to reach both sides of the box, and not to stay within both."""


@dataclass(frozen=True)
class Frame:
    """A decoded picture, upright, with square pixels, in sRGB, transparent where the video is."""

    seconds: float
    """When the video shows it."""
    picture: Image.Image


def frames(clip: Clip, box: Box, colours: Colours, limits: Limits) -> Iterator[Frame]:
    """Decodes the wanted pictures of a clip, in order, scaled into or over a box but never enlarged.

    Raises:
        Rejected: a limit was exceeded, or nothing could be decoded.
        DecoderKilled: the child was killed by someone else.
    """
    found = False
    for frame in _run(clip, _WANTED + _graph(box, colours, clip.aspect), limits):
        found = True
        yield frame
    if not found:
        # The picture asked for may be damaged, or its colour tags contradict each other: the last that can be decoded.
        newest = deque(_run(clip, _UNTAGGED + _graph(box, Colours(), clip.aspect), limits, any_frame=True), maxlen=1)
        if not newest:
            raise Rejected("no picture of it could be decoded")
        yield newest[0]


def _graph(box: Box, colours: Colours, aspect: Fraction | None) -> str:
    """The filters. Interlaced pictures are made progressive from themselves alone, as their neighbours may be far away;
    scaling comes before the conversion of colours, which then costs the same for any size of video."""
    # The shape of pixels makes a picture larger in one direction, never smaller in the other, as in browsers.
    width = f"min(iw*max(sar,1),min({WIDEST},{WIDEST}*dar))"
    if box.width:
        wanted = f"{'max' if box.cover else 'min'}({box.width},{box.height}*dar)" if box.height else str(box.width)
        width = f"min({width},{wanted})"
    shape = f"setsar=r={aspect.numerator}/{aspect.denominator}:max={_LARGEST_TERM}," if aspect else ""
    # The filter wants three lines at the least, and what it makes of 5 bits a colour has no white.
    progressive = "estdif=mode=frame:deint=interlaced," if colours.lines >= 4 and not colours.are_rgb else ""
    scale = f"scale=w='max(1,round({width}))':h='max(1,min({WIDEST},round(ow/dar)))'{colours.matrix_option()}"
    quality = "flags=bicubic+accurate_rnd+full_chroma_int"
    return f"{shape}{progressive}{scale}:{quality},setsar=1,{colours.conversion()}format=rgba"


def _run(clip: Clip, graph: str, limits: Limits, any_frame: bool = False) -> Iterator[Frame]:
    times, messages = os.memfd_create("times"), os.memfd_create("messages")
    threads = min(os.cpu_count() or 1, 4) if clip.decoded >= _MANY else 1
    # The decoders that show transparency are stricter.
    decoder = clip.decoder if not any_frame else None
    try:
        command = [
            EXECUTABLE,
            *("-hide_banner", "-nostdin", "-loglevel", "error", "-filter_threads", "1"),
            *("-max_alloc", str(limits.memory // 2), "-copyts"),
            *("-threads", str(threads), "-protocol_whitelist", "pipe", "-max_pixels", str(LARGEST_FRAME)),
            # The clip says all; without this, its first picture is decoded twice.
            *(() if any_frame else ("-nofind_stream_info",)),
            *("-codec_whitelist", DECODERS[clip.codec], *(("-c:v", decoder) if decoder else ())),
            *("-f", clip.format, "-i", "pipe:0"),
            *("-map", "0:v:0", "-fps_mode", "passthrough", "-vf", graph),
            *("-enc_time_base:v", f"1:{TICKS}"),
            *("-stats_enc_pre:v", f"pipe:{times}", "-stats_enc_pre_fmt:v", "{ptsi} {tbi}"),
            *("-threads", "1", "-c:v", "pam", "-f", "image2pipe", "pipe:1"),
        ]
        process = isolation.start(
            lambda: subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
                pass_fds=(times,),
                env={},
                cwd="/",
                pipesize=_AHEAD,
            )
        )
        child = _Child(process, limits)
        with child:
            assert process.stdin is not None
            assert process.stdout is not None
            feeder = threading.Thread(target=_feed, args=(process.stdin, clip.content), daemon=True)
            feeder.start()
            for number, picture in enumerate(_pictures(process.stdout)):
                seconds = clip.targets.get(_tick(times, number))
                if seconds is not None or any_frame:
                    yield Frame(seconds if seconds is not None else max(clip.targets.values()), picture)
            feeder.join()
        child.judge(_tail(messages))
    finally:
        os.close(times)
        os.close(messages)


class _Child:
    """The child under its limits; killed when time is up, and when nobody wants its pictures any more."""

    def __init__(self, process: "subprocess.Popen[bytes]", limits: Limits) -> None:
        self._process, self._limits, self._late = process, limits, False
        cpu = int(limits.seconds * (os.cpu_count() or 1)) + 1
        # It waits for its input, which is not sent yet: nothing hostile runs before the limits hold.
        for kind, value in (
            (resource.RLIMIT_DATA, limits.memory),
            (resource.RLIMIT_CPU, cpu),
            (resource.RLIMIT_FSIZE, WRITTEN),
            (resource.RLIMIT_NOFILE, 32),
            (resource.RLIMIT_CORE, 0),
        ):
            _, hard = resource.prlimit(process.pid, kind)
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            # Where both are the same, the kernel ends a process for its time as if somebody else had (setrlimit(2)).
            most = value + 1 if kind == resource.RLIMIT_CPU and value != hard else value
            resource.prlimit(process.pid, kind, (value, most))
        self._timer = threading.Timer(limits.seconds, self._out_of_time)
        self._timer.daemon = True

    def __enter__(self) -> "_Child":
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._timer.cancel()
        if kind is not None:
            self._process.kill()
        assert self._process.stdout is not None
        self._process.stdout.close()
        if self._process.poll() is None:
            try:
                self._process.wait(timeout=max(0.1, self._limits.seconds))
            except subprocess.TimeoutExpired:
                self._out_of_time()
                self._process.wait()

    def judge(self, message: str) -> None:
        """States how the child ended, where that was not by itself."""
        code = self._process.returncode
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


def _feed(stdin: IO[bytes], content: bytes) -> None:
    try:
        with stdin:
            stdin.write(content)
    except BrokenPipeError:
        return  # It ended before it had read all; how, its exit status says.


def _pictures(stdout: IO[bytes]) -> Iterator[Image.Image]:
    """Reads portable arbitrary maps (Netpbm's PAM), one behind the other, until the output ends or breaks off."""
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
        picture = Image.frombytes("RGBA", (width, height), content)
        yield picture if picture.getchannel("A").getextrema() != (255, 255) else picture.convert("RGB")


def _tick(times: int, number: int) -> int:
    """The timestamp of a picture: FFmpeg writes it before it encodes the picture."""
    lines = os.pread(times, WRITTEN, 0).splitlines()
    timestamp, time_base = lines[number].split()
    return round(int(timestamp) * Fraction(time_base.decode()) * TICKS)


def _tail(file: int) -> str:
    size = os.fstat(file).st_size
    return os.pread(file, 4096, max(0, size - 4096)).decode(errors="replace")
