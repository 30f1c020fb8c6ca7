"""The video codecs that are decoded, each with the decoders that may open it.

What cameras, editors, browsers and archives write. FFmpeg knows some two hundred more (images, games, screens, text);
each would be one more way in for a hostile file, and none comes in a video that somebody wants a poster of.
"""

DECODERS = {
    codec: codec
    for codec in (
        *("h261", "h263", "h264", "hevc", "vvc", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v1", "msmpeg4v2"),
        *("wmv1", "wmv2", "wmv3", "vc1", "theora", "vp3", "flv1", "vp6f", "svq1", "svq3", "cinepak", "rv30", "rv40"),
        *(
            "mjpeg",
            "prores",
            "prores_raw",
            "aic",
            "dnxhd",
            "dvvideo",
            "cfhd",
            "hap",
            "jpeg2000",
            "qtrle",
            "rpza",
            "msvideo1",
            "png",
        ),
        *("ffv1", "huffyuv", "ffvhuff", "magicyuv", "rawvideo", "v210", "v308", "v408", "r10k", "r210"),
    )
} | {
    "av1": "libdav1d",
    "vp8": "vp8,libvpx",
    "vp9": "vp9,libvpx-vp9",
    "flv1": "flv",
    "msmpeg4v3": "msmpeg4",
}
