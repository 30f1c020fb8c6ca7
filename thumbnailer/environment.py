"""The function's environment variables: all that passes from the infrastructure to the image."""

import json

import pulumi

from .settings import Settings


def function_environment(settings: Settings, output_bucket: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """Every variable that the image reads, as text. Lists are JSON, flags `true` or `false`."""
    return {
        "THUMBNAIL_SUFFIXES": json.dumps(settings.suffixes),
        "THUMBNAIL_POSITION": settings.position,
        "THUMBNAIL_WIDTHS": json.dumps(settings.widths),
        "THUMBNAIL_FORMAT": settings.format,
        "THUMBNAIL_QUALITY": str(settings.quality),
        "THUMBNAIL_MANIFEST": json.dumps(settings.manifest),
        "THUMBNAIL_OUTPUT_BUCKET": output_bucket,
        "THUMBNAIL_OUTPUT_PREFIX": settings.output_prefix,
        "POWERTOOLS_SERVICE_NAME": "video-thumbnailer",
        "POWERTOOLS_METRICS_NAMESPACE": "VideoThumbnailer",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
