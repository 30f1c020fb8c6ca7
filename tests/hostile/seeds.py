"""Small good videos of every container and of many codecs, which the fuzzer spoils."""

import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imageio_ffmpeg

FFMPEG: str = imageio_ffmpeg.get_ffmpeg_exe()

_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "40", "-g", "8", "-threads", "1", "-pix_fmt", "yuv420p")
_SOUND: tuple[str, ...] = ("-f", "lavfi", "-i", "sine=d=1.5:r=8000", "-c:a", "aac", "-b:a", "12k")
_FRAGMENTED = "frag_keyframe+empty_moov+default_base_moof"

SEEDS: dict[str, tuple[str, ...]] = {
    "last.mp4": (*_H264, "-bf", "2"),
    "first.mp4": (*_SOUND, *_H264, "-movflags", "+faststart"),
    "turned.mp4": (*_H264, "-metadata", "title=caf\u00e9", "-aspect", "4:3"),
    "fragments-mfra.mp4": (*_H264, "-movflags", _FRAGMENTED),
    "fragments-plain.mp4": (*_H264, "-movflags", f"{_FRAGMENTED}+skip_trailer"),
    "fragments-sidx.mp4": (*_H264, "-movflags", f"{_FRAGMENTED}+dash+global_sidx"),
    "hevc.mp4": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:pools=1", "-tag:v", "hvc1"),
    "av1.mp4": ("-c:v", "libaom-av1", "-cpu-used", "8", "-crf", "50", "-threads", "1"),
    "mpeg4.mp4": ("-c:v", "mpeg4", "-q:v", "20"),
    "movie.mov": (*_SOUND, "-c:v", "mjpeg", "-q:v", "20", "-pix_fmt", "yuvj420p"),
    "prores.mov": ("-c:v", "prores", "-profile:v", "0", "-pix_fmt", "yuv422p10le", "-r", "4"),
    "alpha.mov": ("-vf", "format=argb", "-c:v", "qtrle", "-r", "4"),
    "film.mkv": (*_SOUND, *_H264),
    "lossless.mkv": ("-c:v", "ffv1", "-r", "4"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-crf", "50", "-g", "8", "-deadline", "realtime", "-threads", "1"),
    "vp8.webm": ("-c:v", "libvpx", "-b:v", "50k", "-g", "8", "-deadline", "realtime", "-threads", "1"),
    "stream.ts": (*_SOUND, *_H264),
    "mpeg2.ts": ("-c:v", "mpeg2video", "-q:v", "20"),
    "old.mpg": ("-c:v", "mpeg1video", "-q:v", "20", "-r", "25", "-f", "mpeg"),
    "old.avi": ("-c:v", "mpeg4", "-q:v", "20"),
    "h264.flv": (*_SOUND, *_H264, "-ar", "11025", "-c:a", "pcm_s16le"),
    "sorenson.flv": ("-c:v", "flv", "-q:v", "20"),
    "theora.ogv": ("-c:v", "libtheora", "-q:v", "2"),
    "windows.asf": ("-c:v", "wmv2", "-q:v", "20"),
}


def make(name: str) -> bytes:
    """One seed: 24 pictures of 96 by 64, by fixed encoders in one thread, so that they are the same each time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        sound, options = SEEDS[name][: len(_SOUND)] == _SOUND, SEEDS[name]
        inputs: tuple[str, ...] = ("-f", "lavfi", "-i", "testsrc=s=96x64:r=16:d=1.5")
        # Inputs come before all options of the output.
        inputs, options = (
            ((*inputs, *_SOUND[:4]), (*_SOUND[4:], *options[len(_SOUND) :])) if sound else (inputs, options)
        )
        command = [FFMPEG, "-hide_banner", "-loglevel", "error", "-y", *inputs, *options, "-fflags", "+bitexact"]
        done = subprocess.run([*command, "-shortest", str(path)], capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, f"FFmpeg could not make {name}: {done.stderr.decode(errors='replace')}"
        return path.read_bytes()


def make_all() -> dict[str, bytes]:
    """All seeds, by their names."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(SEEDS, pool.map(make, SEEDS), strict=True))
