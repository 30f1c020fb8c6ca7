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
        "THUMBNAIL_FIT": settings.fit,
        "THUMBNAIL_HEIGHT": str(settings.height),
        "THUMBNAIL_PAD_COLOR": settings.pad_color,
        "THUMBNAIL_STORYBOARD": json.dumps(settings.storyboard),
        "THUMBNAIL_STORYBOARD_PLAYLIST": json.dumps(settings.storyboard_playlist),
        "THUMBNAIL_STORYBOARD_BUDGET": str(settings.storyboard_budget),
        "THUMBNAIL_PREVIEW": settings.preview_format if settings.preview else "none",
        "THUMBNAIL_PLACEHOLDER": json.dumps(settings.placeholder),
        "THUMBNAIL_JOB_SECONDS": str(settings.job_seconds),
        "THUMBNAIL_MANIFEST": json.dumps(settings.manifest),
        "THUMBNAIL_OUTPUT_BUCKET": output_bucket,
        "THUMBNAIL_OUTPUT_PREFIX": settings.output_prefix,
        "POWERTOOLS_SERVICE_NAME": "video-thumbnailer",
        "POWERTOOLS_METRICS_NAMESPACE": "VideoThumbnailer",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
