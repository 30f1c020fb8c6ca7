"""A service that puts a thumbnail beside every video in an S3 bucket, as one Pulumi component.

In a Pulumi program of your own, with this folder and `docker-ffmpeg-thumb/` copied into it::

    from thumbnailer import Settings, VideoThumbnailer

    thumbnails = VideoThumbnailer("thumbnails", Settings(widths=(640, 320)))
"""

from .component import VideoThumbnailer
from .reaction import OnNewThumbnail
from .refusal import Refused
from .settings import Settings, SettingsError, read_settings

__all__ = ["OnNewThumbnail", "Refused", "Settings", "SettingsError", "VideoThumbnailer", "read_settings"]
