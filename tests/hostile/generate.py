"""Hostile files, one function a class; all are small, and all are called `.mp4`.

A function gives named files of its class. Those that want to reach something are given a `Bait`: an address and paths
that nobody may ever touch.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .mutate import boxes

Files = dict[str, bytes]


@dataclass(frozen=True)
class Bait:
    """What hostile files point at."""

    port: int
    """Of a server on this machine that fails the test when anything connects, by TCP or UDP."""
    fifo: Path
    """Whoever opens it, is noticed."""
    secret: Path
    """A file that holds `marker`; reading it changes its time of access."""
    marker: str

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}/caught"

    @property
    def urls(self) -> tuple[str, ...]:
        """The same things by other protocols."""
        place = f"127.0.0.1:{self.port}"
        return (
            self.http,
            *(
                f"{protocol}://{place}/caught"
                for protocol in ("tcp", "udp", "rtp", "rtmp", "rtsp", "ftp", "https", "tls")
            ),
            *(
                f"{prefix}{self.fifo}"
                for prefix in ("file://", "file:", "", "subfile,,start,0,end,9,,:", "crypto:", "cache:")
            ),
            f"concat:{self.fifo}|{self.secret}",
            f"file://{self.secret}",
        )


# ---- boxes


def box(kind: bytes, *content: bytes, size: int | None = None) -> bytes:
    """Return a box, which may lie about its size."""
    body = b"".join(content)
    return struct.pack(">I", (len(body) + 8 if size is None else size) & 2**32 - 1) + kind + body


def wide(kind: bytes, content: bytes, size: int) -> bytes:
    """Return a box with a size of 64 bits."""
    return struct.pack(">I4sQ", 1, kind, size) + content


FTYP = box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")


def patched(video: bytes, kind: bytes, offset: int, value: bytes, which: int = 0) -> bytes:
    """Return a video with other bytes at an offset behind the header of one of its boxes."""
    found = [start for start, _, name in boxes(video) if name == kind]
    place = found[which] + 8 + offset
    return video[:place] + value + video[place + len(value) :]


def with_box(video: bytes, holder: bytes, added: bytes, remove: bytes = b"") -> bytes:
    """Return a video with its index last, in which a box is put into another, all sizes right; or takes the place of
    one."""

    def rebuilt(start: int, end: int) -> bytes:
        out, position = b"", start
        while position + 8 <= end:
            size, kind = struct.unpack_from(">I4s", video, position)
            stop = position + size
            if kind == holder:
                inner = b"".join(
                    video[s:e] for s, e, name in _children(video, position + 8, stop) if not remove or name != remove
                )
                out += box(kind, inner, added)
            elif kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf"):
                out += box(kind, rebuilt(position + 8, stop))
            else:
                out += video[position:stop]
            position = stop
        return out

    return rebuilt(0, len(video))


def _children(video: bytes, start: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", video, start)
        yield start, start + size, kind
        start += max(8, size)


# ---- the classes


def playlists(bait: Bait) -> Files:
    """Texts that make a demuxer open what they name."""
    files: Files = {}
    for number, url in enumerate(bait.urls):
        files[f"hls {number}"] = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n".encode()
        files[f"ffconcat {number}"] = f"ffconcat version 1.0\nfile '{url}'\nduration 9\n".encode()
    url = bait.http
    return files | {
        "hls with key": f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n#EXTINF:9,\n{url}.ts\n'.encode(),
        "hls master": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}.m3u8\n".encode(),
        "hls with a byte order mark": f"\ufeff#EXTM3U\n#EXTINF:9,\n{url}\n".encode(),
        "dash": (
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet '
            f'mimeType="video/mp4"><Representation id="1"><BaseURL>{url}</BaseURL></Representation></AdaptationSet>'
            "</Period></MPD>"
        ).encode(),
        "xml entity": f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file://{bait.fifo}">]><MPD>&e;</MPD>'.encode(),
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video {bait.port} RTP/AVP 96\n".encode(),
        "smil": f'<smil><body><video src="{url}"/></body></smil>'.encode(),
        "asx": f'<asx version="3.0"><entry><ref href="{url}"/></entry></asx>'.encode(),
        "pls": f"[playlist]\nFile1={url}\nNumberOfEntries=1\n".encode(),
        "rtsp text": f"RTSPtext\nrtsp://127.0.0.1:{bait.port}/caught\n".encode(),
        "asf reference": f"[Reference]\nRef1={url}\n".encode(),
        "image sequence": b"%03d.jpg",
        "vobsub": f"# VobSub index file, v7\nid: en, index: 0\n{bait.fifo}".encode(),
        "lavfi": f"movie={bait.fifo}".encode(),
    }


def behind_a_container(bait: Bait) -> Files:
    """Return the same texts where something looks like the beginning of a container."""
    text = f"\n#EXTM3U\n#EXTINF:9,\n{bait.http}\n#EXT-X-ENDLIST\n".encode()
    return {
        "ftyp, then a playlist": FTYP + text,
        "playlist in mdat": FTYP + box(b"mdat", text),
        "EBML, then a playlist": b"\x1a\x45\xdf\xa3\x80" + text,
        "sync bytes, then a playlist": (b"\x47" + bytes(187)) * 8 + text,
        "Ogg, then a playlist": b"OggS" + text,
        "RIFF of a playlist": b"RIFF\xff\xff\xff\xffAVI " + text,
    }


def references(video: bytes, bait: Bait) -> Files:
    """Movies whose pictures are elsewhere."""

    def dref(kind: bytes, url: bytes) -> bytes:
        return box(b"dref", bytes(4), struct.pack(">I", 1), box(kind, bytes(4), url + b"\0"))

    def alias(path: bytes) -> bytes:
        # An alias record of the classic Mac OS: libavformat reads its path (tag 2) and folder (tag 0).
        head = bytes(10) + bytes([27]) + b"x" * 27 + bytes(12) + bytes([63]) + path[:63].ljust(63, b"\0") + bytes(16)
        head += struct.pack(">hh", 1, 1) + bytes(16)
        tags = b"".join(struct.pack(">hh", tag, len(path)) + path for tag in (2, 0, 18)) + struct.pack(">hh", -1, 0)
        return bytes(4) + head + tags

    files: Files = {}
    for number, url in enumerate((bait.http, f"file://{bait.fifo}", str(bait.fifo), f"../../../../{bait.secret}")):
        target = url.encode()
        files[f"dref url {number}"] = with_box(video, b"dinf", dref(b"url ", target), remove=b"dref")
        files[f"dref urn {number}"] = with_box(video, b"dinf", dref(b"urn ", b"x\0" + target), remove=b"dref")
        files[f"dref alis {number}"] = with_box(
            video,
            b"dinf",
            box(b"dref", bytes(4), struct.pack(">I", 1), box(b"alis", alias(target))),
            remove=b"dref",
        )
        rdrf = box(b"rdrf", bytes(4), b"url ", struct.pack(">I", len(target) + 1), target + b"\0")
        files[f"reference movie {number}"] = FTYP + box(b"moov", box(b"rmra", box(b"rmda", rdrf)))
        files[f"reference movie with pictures {number}"] = with_box(video, b"moov", box(b"rmra", box(b"rmda", rdrf)))
    return files


def linked_segments(video: bytes, bait: Bait) -> Files:
    """Matroska that continues in other files, and carries some."""

    def element(number: bytes, content: bytes) -> bytes:
        return number + struct.pack(">BI", 0x08, len(content))[:5].replace(b"\x08", b"\x08") + content

    names = b"".join(
        element(number, value)
        for number, value in (
            (b"\x73\xa4", b"S" * 16),
            (b"\x3c\xb9\x23", b"P" * 16),
            (b"\x3c\x83\xab", str(bait.fifo).encode()),
            (b"\x3e\xb9\x23", b"N" * 16),
            (b"\x3e\x83\xbb", str(bait.secret).encode()),
        )
    )
    head = element(b"\x1a\x45\xdf\xa3", element(b"\x42\x82", b"matroska"))
    info = element(b"\x15\x49\xa9\x66", names)
    attached = element(
        b"\x19\x41\xa4\x69",
        element(
            b"\x61\xa7",
            element(b"\x46\x6e", b"../../../../tmp/dropped.ttf")
            + element(b"\x46\x60", b"application/x-truetype-font")
            + element(b"\x46\x5c", b"\0" * 500),
        ),
    )
    place = video.find(b"\x15\x49\xa9\x66")
    return {
        "linked, without pictures": head + element(b"\x18\x53\x80\x67", info + attached),
        "linked, before the pictures": video[:place] + info + attached + video[place:],
        "linked, behind the pictures": video + info + attached,
    }


def declared(video: bytes) -> Files:
    """Return counts and sizes that ask for gigabytes."""
    files: Files = {}
    for value in (2**24, 2**28, 2**31 - 1, 2**32 - 1):
        number = struct.pack(">I", value)
        for kind in (b"stts", b"ctts", b"stss", b"stsc", b"stco", b"elst", b"stsd", b"dref"):
            if any(name == kind for _, _, name in boxes(video)):
                files[f"{kind.decode()} of {value}"] = patched(video, kind, 4, number)
        files[f"stsz of {value}"] = patched(video, b"stsz", 8, number)
        files[f"stsz of {value} equal samples"] = patched(video, b"stsz", 4, struct.pack(">II", 1, value))
        files[f"stsc of {value} samples in a chunk"] = patched(
            patched(video, b"stsz", 4, struct.pack(">II", 1, value)), b"stsc", 12, number
        )
        files[f"stsz of samples of {value} bytes"] = patched(video, b"stsz", 4, number)
        files[f"stts of {value} pictures at once"] = patched(video, b"stts", 8, number)
        files[f"moov of {value} bytes"] = patched(video, b"moov", -8, number)
        files[f"avcC of {value} bytes"] = video.replace(
            video[video.index(b"avcC") - 4 : video.index(b"avcC")] + b"avcC", number + b"avcC"
        )
    return files | {
        "negative edit": patched(video, b"elst", 8, struct.pack(">Ii", 2**32 - 1, -(2**31))),
        "duration without end": patched(patched(video, b"mvhd", 16, b"\xff" * 4), b"mdhd", 16, b"\xff" * 4),
        "no ticks in a second": patched(patched(video, b"mvhd", 12, bytes(4)), b"mdhd", 12, bytes(4)),
        "edits by the ten thousand": with_box(
            video,
            b"edts",
            box(b"elst", bytes(4), struct.pack(">I", 60_000), struct.pack(">IiHH", 1, 0, 1, 0) * 60_000),
            remove=b"elst",
        ),
        "chapters by the ten thousand": with_box(
            video,
            b"moov",
            box(b"udta", box(b"chpl", b"\1\0\0\0\0\0\0\0\xff", (struct.pack(">QB", 1, 1) + b"x") * 20_000)),
        ),
        "metadata by the megabyte": with_box(
            video,
            b"moov",
            box(
                b"udta",
                box(
                    b"meta",
                    bytes(4),
                    box(
                        b"ilst",
                        *(box(b"\xa9nam", box(b"data", b"\0\0\0\1\0\0\0\0", b"x" * 100)) for _ in range(10_000)),
                    ),
                ),
            ),
        ),
    }


def many_tracks(video: bytes) -> Files:
    """Tracks by the thousand."""
    trak = next(video[start:end] for start, end, kind in boxes(video) if kind == b"trak")
    return {f"{count} tracks": with_box(video, b"moov", trak * count) for count in (200, 2000)}


def compressed(video: bytes) -> Files:
    """Indexes that are packed, and unpack to far more."""

    def cmov(content: bytes, size: int) -> bytes:
        packed = zlib.compress(content, 9)
        inner = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", size & 2**32 - 1), packed)
        return FTYP + box(b"moov", box(b"cmov", inner))

    start, end = next((start, end) for start, end, kind in boxes(video) if kind == b"moov")
    moov = video[start:end]
    nested = moov
    for _ in range(5):
        nested = box(
            b"moov",
            box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", struct.pack(">I", len(nested)), zlib.compress(nested))),
        )
    zeros = bytes(200 * 2**20)
    return {
        "packed index that is honest": video[:start] + cmov(moov, len(moov))[len(FTYP) :],
        "packed index of 200 MiB of zeros": cmov(zeros, len(zeros)),
        "packed index that says 4 GiB": cmov(moov, 2**32 - 1),
        "packed index that says -1 and unpacks to more": cmov(zeros[: 2**24], 16),
        "packed index in packed indexes": FTYP + nested,
        "packed index of 64 MiB of free boxes": cmov(box(b"moov", box(b"free") * (8 * 2**20)), 64 * 2**20 + 8),
    }


def shapes(video: bytes) -> Files:
    """Boxes of odd sizes, within themselves and each other."""
    moov = next(video[start:end] for start, end, kind in boxes(video) if kind == b"moov")
    nested = moov
    for _ in range(2000):
        nested = box(b"moov", nested)
    deep = b""
    for _ in range(20_000):
        deep = struct.pack(">I4s", len(deep) + 8, b"trak") + deep
    files: Files = {
        "100,000 boxes": FTYP + box(b"free") * 100_000 + moov,
        "half a million empty boxes in moov": FTYP + box(b"moov", box(b"free") * 500_000),
        "moov in moov": FTYP + nested,
        "20,000 tracks in each other": FTYP + box(b"moov", deep),
        "index alone": FTYP + moov,
        "index twice": video + moov,
        "box that is its own parent": FTYP + box(b"moov", box(b"trak", size=2**31 - 1)),
        "overlapping boxes": patched(video, b"trak", -8, struct.pack(">I", len(video))),
    }
    for size in (0, 1, 7, 8, 9, 2**31, 2**32 - 1):
        for kind in (b"moov", b"mdat", b"trak", b"stbl", b"free"):
            files[f"{kind.decode()} of size {size}"] = FTYP + box(kind, bytes(64), size=size)
    for size in (0, 1, 15, 16, 2**63 - 1, 2**63, 2**64 - 1):
        files[f"moov of wide size {size}"] = FTYP + wide(b"moov", moov[8:], size)
        files[f"mdat of wide size {size}"] = FTYP + wide(b"mdat", bytes(64), size) + moov
    return files


def fragments(video: bytes) -> Files:
    """Fragmented MP4 with an index that lies."""
    sidx = box(
        b"sidx", bytes(4), struct.pack(">IIIIHH", 1, 1000, 0, 0, 0, 65535), struct.pack(">III", 16, 1, 0) * 65535
    )
    moof = next((video[s:e] for s, e, kind in boxes(video) if kind == b"moof"), b"")
    end = len(video)
    mfra = box(
        b"mfra",
        box(b"tfra", bytes(4), struct.pack(">III", 1, 0, 60_000), (struct.pack(">II", 1, 40) + b"\1\1\1") * 60_000),
    )
    mfra = mfra[:-8] + box(b"mfro", bytes(4), struct.pack(">I", len(mfra) + 16)) if len(mfra) > 8 else mfra
    head = next(e for _, e, kind in boxes(video) if kind == b"moov")
    return {
        "sidx of 65,535 small fragments": video[:head] + sidx + video[head:],
        "sidx of itself": video[:head]
        + box(b"sidx", bytes(4), struct.pack(">IIIIHH", 1, 1, 0, 0, 0, 1), struct.pack(">III", 2**31 | 32, 1, 0))
        + video[head:],
        "sidx beyond the end": video[:head]
        + box(
            b"sidx",
            b"\1\0\0\0",
            struct.pack(">IIQQHH", 1, 1, 2**63, 2**64 - 1, 0, 1),
            struct.pack(">III", 2**31 - 1, 1, 0),
        )
        + video[head:],
        "mfra of 60,000 times the same fragment": video + mfra,
        "mfro beyond the start": video + box(b"mfro", bytes(4), struct.pack(">I", end * 2)),
        "moof 5,000 times": video[:head] + moof * 5000,
        "trun of 4 billion": patched_in(video, b"trun", 4, b"\xff" * 4),
        "tfhd of no track": patched_in(video, b"tfhd", 4, b"\xff" * 4),
        "tfdt at the end of time": patched_in(video, b"tfdt", 4, b"\xff" * 8),
        "trex of no track": patched_in(video, b"trex", 4, b"\xff" * 4),
    }


def patched_in(video: bytes, kind: bytes, offset: int, value: bytes) -> bytes:
    """Patch every box of a kind, wherever it is."""
    content, place = bytearray(video), video.find(kind)
    while place >= 0:
        content[place + 4 + offset : place + 4 + offset + len(value)] = value
        place = video.find(kind, place + 4)
    return bytes(content)


def dimensions(video: bytes) -> Files:
    """Sizes in the container that are far from those of the pictures."""
    files: Files = {}
    entry = video.index(b"avc1", video.index(b"stsd"))
    for width, height in ((16384, 16384), (65535, 65535), (0, 0), (1, 65535), (65535, 1)):
        sizes = struct.pack(">HH", width, height)
        files[f"stsd of {width} by {height}"] = video[: entry + 28] + sizes + video[entry + 32 :]
        fixed = struct.pack(">II", width << 16, height << 16)
        files[f"tkhd of {width} by {height}"] = patched(video, b"tkhd", 76, fixed)
    for across, down in ((1, 2**31 - 1), (2**31 - 1, 1), (1, 65535), (65535, 1), (1, 2000), (0, 0)):
        pasp = box(b"pasp", struct.pack(">II", across, down))
        files[f"pixels of {across} to {down}"] = in_entry(video, pasp)
    files["matrix of zeros"] = patched(video, b"tkhd", 40, bytes(36))
    files["matrix that tears"] = patched(video, b"tkhd", 40, b"\x7f\xff\xff\xff" * 9)
    files["clean aperture of nothing"] = in_entry(video, box(b"clap", b"\xff" * 32))
    files["colours off every list"] = in_entry(video, box(b"colr", b"nclx", b"\xff" * 7))
    files["colours of HDR on plain pictures"] = in_entry(
        video, box(b"colr", b"nclx", struct.pack(">HHHB", 9, 16, 9, 0))
    )
    files["colours that contradict each other"] = in_entry(
        video, box(b"colr", b"nclx", struct.pack(">HHHB", 12, 18, 0, 128))
    )
    return files


def in_entry(video: bytes, added: bytes) -> bytes:
    """Return a box at the end of the first sample entry, all sizes right; the index must stand behind the samples."""
    start, end = next((s, e) for s, e, kind in boxes(video) if kind == b"stsd")
    stsd = video[start:end]
    entry = stsd[16:]
    entry_size = struct.unpack_from(">I", entry)[0]
    # Boxes of the same kind that are there already would be read first.
    inner = entry[:86] + b"".join(entry[s:e] for s, e, kind in _children(entry, 86, entry_size) if kind != added[4:8])
    entry = struct.pack(">I", len(inner) + len(added)) + inner[4:] + added
    made = box(b"stsd", stsd[8:16], entry)
    return with_box(video, b"stbl", made, remove=b"stsd")


class Bits:
    """Writes bits, as the parameter sets of video codecs are coded."""

    def __init__(self) -> None:
        self._bits: list[int] = []

    def u(self, count: int, value: int) -> "Bits":
        """`count` bits."""
        self._bits += [value >> n & 1 for n in range(count - 1, -1, -1)]
        return self

    def ue(self, value: int) -> "Bits":
        """Exponential Golomb."""
        length = (value + 1).bit_length()
        return self.u(length - 1, 0).u(length, value + 1)

    def bytes(self) -> bytes:
        """With the stop bit, filled up."""
        bits = [*self._bits, 1]
        bits += [0] * (-len(bits) % 8)
        return bytes(int("".join(map(str, bits[n : n + 8])), 2) for n in range(0, len(bits), 8))


def h264_sps(width: int, height: int) -> bytes:
    """Return a sequence parameter set of H.264 that declares a size in pixels."""
    bits = Bits().u(8, 66).u(8, 0xC0).u(8, 62).ue(0).ue(0).ue(2).ue(16).u(1, 0)
    bits.ue(width // 16 - 1).ue(height // 16 - 1).u(1, 1).u(1, 0).u(1, 0).u(1, 0)
    return b"\x67" + _escaped(bits.bytes())


def _escaped(content: bytes) -> bytes:
    """With emulation prevention bytes."""
    out, zeros = bytearray(), 0
    for byte in content:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def hevc_sps(width: int, height: int) -> bytes:
    """Return a sequence parameter set of HEVC that declares a size in pixels."""
    bits = Bits().u(4, 0).u(3, 0).u(1, 1).u(8, 1).u(32, 0x60000000).u(48, 0x900000000000).u(8, 186)
    bits.ue(0).ue(1).ue(width).ue(height).u(1, 0).ue(0).ue(0).ue(4).u(1, 1).ue(4).ue(15).ue(0)
    bits.ue(0).ue(3).ue(0).ue(3).ue(0).ue(0).u(1, 0).u(1, 0).u(1, 0).u(1, 0).ue(0).u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(
        1, 0
    )
    return b"\x42\x01" + _escaped(bits.bytes())


def movie(entry: bytes, samples: list[bytes], ticks: int = 1, size: tuple[int, int] = (64, 64)) -> bytes:
    """Return a whole MP4 of one track: a sample entry and samples, every one a keyframe."""
    data = b"".join(samples)
    offset = len(FTYP) + 8
    sizes = struct.pack(f">{len(samples)}I", *map(len, samples))
    stbl = box(
        b"stbl",
        box(b"stsd", bytes(4), struct.pack(">I", 1), entry),
        box(b"stts", bytes(4), struct.pack(">III", 1, len(samples), ticks)),
        box(b"stsc", bytes(4), struct.pack(">IIII", 1, 1, len(samples), 1)),
        box(b"stsz", bytes(4), struct.pack(">II", 0, len(samples)), sizes),
        box(b"stco", bytes(4), struct.pack(">II", 1, offset)),
    )
    duration = len(samples) * ticks
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    dinf = box(b"dinf", box(b"dref", bytes(4), struct.pack(">I", 1), box(b"url ", b"\0\0\0\1")))
    minf = box(b"minf", box(b"vmhd", b"\0\0\0\1" + bytes(8)), dinf, stbl)
    mdia = box(
        b"mdia",
        box(b"mdhd", bytes(12), struct.pack(">IIHH", 25, duration, 0x55C4, 0)),
        box(b"hdlr", bytes(8), b"vide", bytes(13)),
        minf,
    )
    tkhd = box(
        b"tkhd",
        b"\0\0\0\3" + bytes(8),
        struct.pack(">III", 1, 0, duration),
        bytes(16),
        matrix,
        struct.pack(">II", size[0] << 16, size[1] << 16),
    )
    mvhd = box(
        b"mvhd",
        bytes(12),
        struct.pack(">II", 25, duration),
        b"\0\1\0\0\1\0" + bytes(10),
        matrix,
        bytes(24),
        b"\0\0\0\2",
    )
    return FTYP + box(b"mdat", data) + box(b"moov", mvhd, box(b"trak", tkhd, mdia))


def entry(kind: bytes, size: tuple[int, int], *added: bytes) -> bytes:
    """Return a visual sample entry."""
    fields = bytes(6) + b"\0\1" + bytes(16) + struct.pack(">HH", *size) + b"\0\x48\0\0\0\x48\0\0" + bytes(4) + b"\0\1"
    return box(kind, fields, bytes(32), b"\0\x18\xff\xff", *added)


def _nal(*units: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(unit)) + unit for unit in units)


def resolution_bombs() -> Files:
    """Streams of a few bytes that declare pictures of hundreds of megapixels."""
    files: Files = {}
    pps, slice_ = b"\x68\xce\x38\x80", b"\x65\x88\x84\x00\x10" + b"\xff" * 200
    for side in (4096, 8192, 16384, 32768, 65520):
        sps = h264_sps(side, side)
        avcc = box(
            b"avcC",
            b"\1"
            + sps[1:4]
            + b"\xff\xe1"
            + struct.pack(">H", len(sps))
            + sps
            + b"\1"
            + struct.pack(">H", len(pps))
            + pps,
        )
        small = (64, 64)
        files[f"H.264 of {side}"] = movie(entry(b"avc1", small, avcc), [_nal(sps, pps, slice_)] * 20)
        files[f"H.264 of {side}, in the packets alone"] = movie(
            entry(b"avc1", small, box(b"avcC", b"\1\x42\xc0\x1e\xff\xe0\0")), [_nal(sps, pps, slice_)] * 20
        )
        hevc = hevc_sps(side, side)
        vps, hevc_pps = (
            b"\x40\x01\x0c\x01\xff\xff\x01\x60\0\0\3\0\x90\0\0\3\0\0\3\0\xba\x95\x98\x09",
            b"\x44\x01\xc1\x72\xb4\x62\x40",
        )
        hvcc = box(
            b"hvcC",
            b"\1\1\x60\0\0\0\x90\0\0\0\0\0\xba\xf0\0\xfc\xfd\xf8\xf8\0\0\x0f\3",
            b"".join(
                bytes([kind]) + b"\0\1" + struct.pack(">H", len(unit)) + unit
                for kind, unit in ((32, vps), (33, hevc), (34, hevc_pps))
            ),
        )
        files[f"HEVC of {side}"] = movie(entry(b"hvc1", small, hvcc), [_nal(b"\x26\x01\xaf" + b"\xff" * 200)] * 20)
        # VP9: frame marker 2, profile 0, keyframe, sync code, BT.601, then 16 bits each of width and height less one.
        header = Bits().u(2, 2).u(2, 0).u(1, 0).u(1, 0).u(1, 1).u(1, 0).u(24, 0x498342).u(3, 1).u(1, 0)
        header.u(16, side - 1).u(16, side - 1).u(1, 0)
        vpcc = box(b"vpcC", b"\1\0\0\0\0\x0a\x82\2\2\2\0\0")
        files[f"VP9 of {side}"] = movie(entry(b"vp09", small, vpcc), [header.bytes() + b"\x55" * 200] * 20)
        av1 = Bits().u(3, 0).u(1, 1).u(1, 1).u(5, 31).u(4, 15).u(4, 15).u(16, side - 1).u(16, side - 1)
        av1.u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(2, 0).u(2, 0).u(1, 0)
        sequence = av1.bytes()
        unit = b"\x0a" + bytes([len(sequence)]) + sequence
        av1c = box(b"av1C", b"\x81\x1f\x0c\0", unit)
        files[f"AV1 of {side}"] = movie(
            entry(b"av01", small, av1c), [b"\x12\0" + unit + b"\x32\xc8\x01" + b"\x10" + b"\x55" * 199] * 20
        )
    return files


def image_bombs() -> Files:
    """Images of one colour as pictures of a video: a few kilobytes that unpack to gigabytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    def png(width: int, height: int, rows: int) -> bytes:
        packer, packed = zlib.compressobj(9), b""
        for _ in range(rows):
            packed += packer.compress(bytes(width * 3 + 1))
        head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        return (
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed + packer.flush()) + chunk(b"IEND", b"")
        )

    small = (64, 64)
    return {
        "PNG of 8000 by 8000": movie(entry(b"png ", small), [png(8000, 8000, 8000)]),
        "PNG of 30000 by 30000": movie(entry(b"png ", small), [png(30000, 30000, 300)]),
        "PNG that declares more than there is": movie(entry(b"png ", small), [png(8000, 8000, 1)] * 40),
    }


def picture_count_bomb(jpeg: bytes) -> Files:
    """More pictures than anybody would look at, of next to nothing."""
    return {
        "300,000 pictures": movie(entry(b"jpeg", (16, 16)), [jpeg] * 3000 + [b"\0"] * 297_000),
        "20,000 pictures that can be decoded": movie(entry(b"jpeg", (16, 16)), [jpeg] * 20_000),
    }


def cut_everywhere(video: bytes) -> Files:
    """Return a good video that ends in each of its regions."""
    ends = sorted(
        {place for start, end, _ in boxes(video) for place in (start, start + 4, start + 8, start + 12, end - 1)}
    )
    return {f"cut at {end}": video[:end] for end in ends[:: max(1, len(ends) // 30)]}


def other_files(jpeg: bytes, png: bytes) -> Files:
    """Return what is no video at all."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.mp4", bytes(10**6))
    return {
        "JPEG": jpeg,
        "PNG": png,
        "GIF": b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
        "zip": packed.getvalue(),
        "ELF": b"\x7fELF\2\1\1" + bytes(200),
        "HTML": b"<!doctype html><script>alert(1)</script><video src='file:///etc/passwd'>",
        "gzip": zlib.compress(bytes(10**6), 9, 31),
        "WebP": b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0" + bytes(24),
        "WAV": b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x40\x1f\0\0\1\0\x08\0data\0\0\0\0",
        "HEIF": box(b"ftyp", b"heic\0\0\0\0mif1heic")
        + box(b"meta", bytes(4), box(b"iinf", bytes(4), b"\xff\xff" + bytes(60))),
        "shell script": b"#!/bin/sh\ntouch /tmp/caught\n",
        "nothing but zeros": bytes(100_000),
        "nothing but ones": b"\xff" * 100_000,
        "one byte": b"\0",
        "seven bytes": b"\0\0\0\x18fty",
    }


def pages(bait: Bait) -> Files:
    """Pages and drawings that would open others, and run scripts, where something shows them."""
    entities = f'<!DOCTYPE svg [<!ENTITY e SYSTEM "{bait.http}"><!ENTITY f SYSTEM "file://{bait.secret}">]>'
    links = f'<image href="{bait.http}"/><image href="file://{bait.fifo}"/><script href="{bait.http}"/>'
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" onload="fetch(\'{bait.http}\')">{links}<text>&e;&f;</text></svg>'
    )
    page = f'<!doctype html><base href="{bait.http}"><iframe src="file://{bait.secret}"></iframe><video src="x.mp4">'
    packed = zlib.compress(drawing.encode(), 9, 31)
    return {
        "SVG": drawing.encode(),
        "SVG with entities": f'<?xml version="1.0"?>{entities}{drawing}'.encode(),
        "SVG in UTF-16": drawing.encode("utf-16"),
        "SVGZ": packed,
        "HTML": page.encode(),
        "XSPF": f"<playlist><trackList><track><location>{bait.http}</location></track></trackList></playlist>".encode(),
        "SMIL": f'<smil><body><video src="{bait.http}"/></body></smil>'.encode(),
        "TTML": f'<tt xmlns="http://www.w3.org/ns/ttml"><head><link href="{bait.http}"/></head></tt>'.encode(),
        "WebVTT": b"WEBVTT\n\n00:00.000 --> 00:09.000\n<script>alert(1)</script>\n",
        "SubRip": b"1\n00:00:00,000 --> 00:00:09,000\n<img src=x onerror=alert(1)>\n",
    }


def off_the_list() -> Files:
    """Codecs that FFmpeg knows and nobody asked for, each with some bytes."""
    kinds = (
        *(b"SVQ9", b"qdrw", b"tga ", b"AVup", b"gif ", b"tiff", b"PNTG", b"xith", b"drac"),
        *(b"\0\0\0\0", b"\xff\xff\xff\xff", b"c608", b"tx3g", b"tmcd", b"text"),
    )
    return {f"sample entry {kind!r}": movie(entry(kind, (64, 64)), [bytes(500)] * 5) for kind in kinds}


KEYS = (
    "../../x.mp4",
    "/etc/passwd.mp4",
    "a/../../../tmp/x.mp4",
    "./x.mp4",
    "//x.mp4",
    "a//b.mp4",
    "$(touch caught).mp4",
    "`touch caught`; touch caught | touch caught & .mp4",
    "-i.mp4",
    "--help.mp4",
    "pipe:0.mp4",
    "http://127.0.0.1/x.mp4",
    "new\nline.mp4",
    "return\r\nSet-Cookie: x.mp4",
    "\x1b[2J\x1b[31mred.mp4",
    '"},{"outcome":"made","x":"{.mp4',
    "<script>alert(1)</script>.mp4",
    "=cmd|'/C calc'!A0,@x,+1.mp4",
    "\u202egpj.mp4",
    "\u2028\u2029\u0085.mp4",
    "%00%0a%s%n.mp4",
    "{0}{key}%(key)s.mp4",
    "\x7f\x01\x08.mp4",
    "\ufeffx.mp4",
    "𝄞" * 250 + ".mp4",
)
"""Names meant for paths, shells, options, logs, pages and tables."""

WISHES = (
    {"thumbnail-position": "-1"},
    {"thumbnail-position": "1e308"},
    {"thumbnail-position": "9" * 300},
    {"thumbnail-position": "99999999999999999999"},
    {"thumbnail-position": "100%"},
    {"thumbnail-position": "nan"},
    {"thumbnail-position": "999:59:59"},
    {"thumbnail-position": '$(id)";drop'},
    {"thumbnail-widths": "16383," * 100 + "1"},
    {"thumbnail-widths": ",".join(str(width) for width in range(1, 300))},
    {"thumbnail-widths": "99999999999999999999"},
    {"thumbnail-widths": "-1"},
    {"thumbnail-widths": "0," * 3},
    {"thumbnail-widths": "1" * 1500},
)
"""Metadata of objects: what a video asks for itself."""
