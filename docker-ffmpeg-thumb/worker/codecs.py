"""The video codecs that are decoded, each with the decoders that may open it.

What cameras, editors, browsers, recorders of screens and games, and archives write. FFmpeg knows some hundred and fifty
more (images, games' own films, text); each would be one more way in for a hostile file, and none comes in a video that
somebody wants a poster of.
"""

_DELIVERED = (
    "h261 h263 h264 hevc vvc mpeg1video mpeg2video mpeg4 msmpeg4v1 msmpeg4v2 wmv1 wmv2 wmv3 vc1 theora vp3 cavs"
)
_CAMERAS_AND_EDITORS = (
    "mjpeg mjpegb prores prores_raw aic dnxhd dvvideo cfhd apv hap dxv notchlc jpeg2000 dirac cllc hq_hqa hqx "
    "sheervideo speedhq pixlet qtrle rpza smc 8bps msvideo1 png"
)
_LOSSLESS = "ffv1 huffyuv ffvhuff magicyuv utvideo lagarith rawvideo v210 r10k r210 y41p"
_SCREENS_AND_GAMES = "fraps dxtory zmbv tscc2 msrle mss1 mss2 vmnc g2m flashsv flashsv2"
_ARCHIVES = "vp6 vp6f vp6a svq1 svq3 cinepak indeo3 indeo4 indeo5 rv10 rv20 rv30 rv40"

DECODERS = {
    codec: codec
    for codec in f"{_DELIVERED} {_CAMERAS_AND_EDITORS} {_LOSSLESS} {_SCREENS_AND_GAMES} {_ARCHIVES}".split()
} | {
    "av1": "libdav1d",
    "vp8": "vp8,libvpx",
    "vp9": "vp9,libvpx-vp9",
    "flv1": "flv",
    "msmpeg4v3": "msmpeg4",
    "tscc": "camtasia",
}
