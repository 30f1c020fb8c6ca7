"""Every codec that cameras and editors write, in the containers that they write it into, under the name `.mp4`."""

import pytest

from .service import Service, is_near
from .videos import BLUE, H264, RED, Studio, plain

FAST_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M")
FAST_AV1 = ("-c:v", "libsvtav1", "-preset", "12", "-crf", "20")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "10", "-x265-params", "log-level=error")

CODECS: dict[str, tuple[str, tuple[str, ...]]] = {
    "H.264 in MP4": ("a.mp4", H264),
    "H.264 in Matroska": ("a.mkv", H264),
    "H.264 in a transport stream": ("a.ts", H264),
    "H.264 in AVCHD": ("a.m2ts", H264),
    "H.264 in AVI": ("a.avi", (*H264, "-bf", "0")),
    "H.264 in Flash": ("a.flv", H264),
    "H.264 in 3GPP": ("a.3gp", H264),
    "HEVC in MP4": ("a.mp4", (*HEVC, "-tag:v", "hvc1")),
    "HEVC with parameters in the stream": ("a.mp4", (*HEVC, "-tag:v", "hev1")),
    "HEVC in Matroska": ("a.mkv", HEVC),
    "HEVC in a transport stream": ("a.ts", HEVC),
    "VVC in MP4": ("a.mp4", ("-c:v", "libvvenc", "-preset", "faster", "-pix_fmt", "yuv420p10le")),
    "AV1 in MP4": ("a.mp4", FAST_AV1),
    "AV1 in Matroska": ("a.mkv", FAST_AV1),
    "AV1 in WebM": ("a.webm", FAST_AV1),
    "VP8 in WebM": ("a.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "1M")),
    "VP9 in WebM": ("a.webm", FAST_VP9),
    "VP9 in MP4": ("a.mp4", FAST_VP9),
    "MPEG-1": ("a.mpg", ("-c:v", "mpeg1video", "-q:v", "2")),
    "MPEG-2 in a program stream": ("a.vob", ("-c:v", "mpeg2video", "-q:v", "2")),
    "MPEG-2 in a transport stream": ("a.ts", ("-c:v", "mpeg2video", "-q:v", "2")),
    "MPEG-2 in MP4": ("a.mp4", ("-c:v", "mpeg2video", "-q:v", "2")),
    "MPEG-4 part 2 in MP4": ("a.mp4", ("-c:v", "mpeg4", "-q:v", "2")),
    "Xvid with B-frames in AVI": ("a.avi", ("-c:v", "libxvid", "-q:v", "2", "-bf", "2")),
    "MS MPEG-4 version 2": ("a.avi", ("-c:v", "msmpeg4v2", "-q:v", "2")),
    "MS MPEG-4 version 3": ("a.avi", ("-c:v", "msmpeg4", "-q:v", "2")),
    "Windows Media 7": ("a.wmv", ("-c:v", "wmv1", "-q:v", "2")),
    "Windows Media 8": ("a.wmv", ("-c:v", "wmv2", "-q:v", "2")),
    "H.263 in 3GPP": ("a.3gp", ("-c:v", "h263", "-s", "176x144", "-q:v", "2")),
    "Sorenson in Flash": ("a.flv", ("-c:v", "flv", "-q:v", "2")),
    "Theora": ("a.ogv", ("-c:v", "libtheora", "-q:v", "9")),
    "MJPEG in MP4": ("a.mp4", ("-c:v", "mjpeg", "-q:v", "2")),
    "MJPEG in QuickTime": ("a.mov", ("-c:v", "mjpeg", "-q:v", "2")),
    "MJPEG in AVI": ("a.avi", ("-c:v", "mjpeg", "-q:v", "2")),
    "ProRes": ("a.mov", ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le")),
    "ProRes in Matroska": ("a.mkv", ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le")),
    "DNxHD": ("a.mov", ("-c:v", "dnxhd", "-profile:v", "dnxhr_sq", "-s", "256x144", "-pix_fmt", "yuv422p")),
    "DV": ("a.mov", ("-c:v", "dvvideo", "-s", "720x576", "-pix_fmt", "yuv420p")),
    "DV in AVI": ("a.avi", ("-c:v", "dvvideo", "-s", "720x576", "-pix_fmt", "yuv420p")),
    "CineForm": ("a.mov", ("-c:v", "cfhd", "-pix_fmt", "yuv422p10le", "-s", "256x144")),
    "Hap": ("a.mov", ("-c:v", "hap")),
    "Hap Q": ("a.mov", ("-c:v", "hap", "-format", "hap_q")),
    "JPEG 2000": ("a.mov", ("-c:v", "jpeg2000", "-pix_fmt", "yuv422p")),
    "PNG in QuickTime": ("a.mov", ("-c:v", "png")),
    "QuickTime animation": ("a.mov", ("-c:v", "qtrle")),
    "Sorenson 1": ("a.mov", ("-c:v", "svq1", "-q:v", "2")),
    "Cinepak": ("a.mov", ("-c:v", "cinepak")),
    "FFV1 in Matroska": ("a.mkv", ("-c:v", "ffv1", "-level", "3")),
    "FFV1 in AVI": ("a.avi", ("-c:v", "ffv1")),
    "HuffYUV": ("a.avi", ("-c:v", "huffyuv")),
    "FFVHuff": ("a.avi", ("-c:v", "ffvhuff")),
    "raw RGB in QuickTime": ("a.mov", ("-c:v", "rawvideo", "-pix_fmt", "rgb24")),
    "raw RGB in AVI": ("a.avi", ("-c:v", "rawvideo", "-pix_fmt", "bgr24")),
    "raw YUV in QuickTime": ("a.mov", ("-c:v", "rawvideo", "-pix_fmt", "uyvy422")),
    "raw YUV in AVI": ("a.avi", ("-c:v", "rawvideo", "-pix_fmt", "yuv420p")),
    "raw YUV in Matroska": ("a.mkv", ("-c:v", "rawvideo", "-pix_fmt", "yuv420p")),
    "10-bit uncompressed": ("a.mov", ("-c:v", "v210")),
    "Ut Video in AVI": ("a.avi", ("-c:v", "utvideo", "-pix_fmt", "yuv420p")),
    "Ut Video of RGB": ("a.avi", ("-c:v", "utvideo", "-pix_fmt", "gbrp")),
    "Ut Video in QuickTime": ("a.mov", ("-c:v", "utvideo", "-pix_fmt", "yuv422p")),
    "Ut Video in Matroska": ("a.mkv", ("-c:v", "utvideo", "-pix_fmt", "yuv444p")),
    "MagicYUV": ("a.avi", ("-c:v", "magicyuv", "-pix_fmt", "yuv422p")),
    "APV": ("a.mp4", ("-c:v", "liboapv", "-s", "512x288", "-pix_fmt", "yuv422p10le")),
    "Dirac": ("a.mkv", ("-c:v", "vc2", "-s", "256x144", "-pix_fmt", "yuv422p")),
    "DXV": ("a.mov", ("-c:v", "dxv", "-s", "256x144")),
    "SpeedHQ": ("a.mov", ("-c:v", "speedhq", "-s", "256x144", "-pix_fmt", "yuv422p")),
    "DOSBox": ("a.avi", ("-c:v", "zmbv")),
    "Flash screen video": ("a.flv", ("-c:v", "flashsv")),
    "Flash screen video 2": ("a.flv", ("-c:v", "flashsv2")),
    "Microsoft RLE": ("a.avi", ("-c:v", "msrle", "-vf", "format=rgb8,format=pal8")),
}


@pytest.mark.parametrize("codec", CODECS)
def test_a_video_of_each_codec_shows_its_beginning_and_its_end(service: Service, studio: Studio, codec: str) -> None:
    name, options = CODECS[codec]
    video = studio.film([plain(RED)] * 10 + [plain(BLUE)] * 10, name, *options)
    for position, colour in (("0", RED), ("0.6", BLUE)):
        answer = service.poster(video, f"at-{position}.mp4", position=position)
        assert is_near(answer.colour(), colour, 24), answer
    assert service.poster(video, "auto.mp4").outcome == "made"
