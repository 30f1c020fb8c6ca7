"""What the component takes: the settings of `Pulumi.yaml`, as Pulumi's schema of a package is inferred from types."""

from collections.abc import Sequence
from typing import TypedDict

import pulumi


class VideoThumbnailerArgs(TypedDict, total=False):
    """All are optional, and have the defaults of `Settings`."""

    bucket: pulumi.Input[str]
    """Name of an existing bucket with the videos, in the stack's account and region; unset creates one."""
    suffixes: Sequence[str]
    """List of the endings of keys that are videos: 1 to 100, none the ending of another; see ignoreCase."""
    ignore_case: bool
    """Whether suffixes match capitals too (.MP4, .Mp4); needs EventBridge, see trigger."""
    prefixes: Sequence[str]
    """List of beginnings of keys; if set, only videos whose key begins with one of them are thumbnailed."""
    trigger: str
    """What calls the function: s3 (the bucket's own notification), eventbridge (a rule; the bucket is not touched), or
    auto, which takes EventBridge where the existing bucket sends its events there, and else S3."""
    backfill: bool
    """Whether to create the role that S3 Batch Operations needs to thumbnail videos that are there already."""
    kms_keys: Sequence[pulumi.Input[str]]
    """List of ARNs of the KMS keys that encrypt the existing buckets; the function may use them through S3."""
    position: str
    """Which frame is shown: auto (a representative one), seconds (12.5), a time (mm:ss), or a share (25%)."""
    time_in_name: bool
    """Whether a key that ends in a time (cat_00-01.mp4) asks for the frame at that time, and gives cat.jpg."""
    widths: Sequence[int]
    """List of the posters' widths in pixels, 1 to 8 of them; never enlarged; 0 is the video's own width."""
    format: str
    """Format of posters, stills and storyboard sheets: jpg, webp, avif or png."""
    quality: int
    """Quality of what is in that format, 1 to 100; png is lossless and ignores it."""
    fit: str
    """How a poster fills height: contain (fits inside), cover (crops) or pad (adds bars in padColor)."""
    height: int
    """Height in pixels of the poster of the first width, the others in proportion; 0 follows the video."""
    pad_color: str
    """Colour of the bars, and of the background of transparent video in jpg: #rrggbb."""
    stills: int
    """How many further frames, spread over the video, are written as cat.1.jpg, cat.2.jpg …; 0 to 20."""
    storyboard: bool
    """Whether sheets of tiles over the whole video, and the WebVTT that players read, are written too."""
    storyboard_playlist: bool
    """Whether the storyboard is also written as an HLS image playlist."""
    storyboard_json: bool
    """Whether the storyboard is also described in JSON, in Mux's form."""
    storyboard_interval: int
    """Seconds between two tiles, 0 to 3600; 0 follows from storyboardTiles."""
    storyboard_tiles: int
    """How many tiles a video gets, 0 to 500; 0 is 50 up to 15 minutes, and more for longer videos."""
    storyboard_columns: int
    """Tiles in a row of a sheet, 1 to 50."""
    storyboard_width: int
    """Width of a tile in pixels, 16 to 640."""
    storyboard_budget: int
    """MiB that may be downloaded of a video for tiles at times where there is no keyframe, 0 to 128."""
    preview: bool
    """Whether a short moving preview is written too."""
    preview_format: str
    """Format of the preview: webp, gif, or mp4, whose name ends in .m4v so that it triggers nothing."""
    preview_seconds: int
    """Length of the preview in seconds, 1 to 30."""
    preview_scenes: int
    """How many parts of the video the preview shows, 1 to 20."""
    preview_width: int
    """Width of the preview in pixels, 16 to 1280."""
    preview_rate: int
    """Frames a second of the preview, 1 to 30."""
    manifest: bool
    """Whether a .thumbnails.json with the facts of the video and of all outputs is written too."""
    placeholder: bool
    """Whether the manifest holds a BlurHash, to be shown while the poster loads."""
    output_bucket: pulumi.Input[str]
    """Name of an existing bucket that takes the outputs; unset is the bucket of the videos."""
    output_prefix: str
    """What the outputs' keys start with, such as thumbnails/; unset puts each beside its video."""
    cache_control: str
    """Cache-Control header of the outputs, which are replaced in place; unset writes none."""
    overwrite: bool
    """Whether an object of an output's name that somebody else wrote is replaced, instead of kept and noted."""
    delete_outputs: bool
    """Whether a video's outputs are deleted with it; what somebody else wrote stays."""
    notify: pulumi.Input[str]
    """Whether each video's outcome is announced on EventBridge: true (on a bus of the stack), false, or the ARN of an
    existing bus."""
    architecture: str
    """Processor of image and function: x86_64 or arm64."""
    memory_size: int
    """Memory of the function in MB, 512 to 10240; 1769 brings one whole processor."""
    timeout: int
    """Time limit of one invocation in seconds, 30 to 900."""
    job_seconds: int
    """Time limit for one video in seconds, 5 to 900, and the function's timeout at most; what takes longer is
    rejected."""
    reserved_concurrency: int
    """How many videos are worked on at once, at least 1; -1 reserves nothing (a new account has 10 in all)."""
    subnet_ids: Sequence[pulumi.Input[str]]
    """List of subnets that the function runs in, with securityGroupIds; they need a way to S3."""
    security_group_ids: Sequence[pulumi.Input[str]]
    """List of security groups of the function, with subnetIds."""
    image_uri: pulumi.Input[str]
    """An image that was built elsewhere and lies in ECR, NAME@sha256:…; the stack then needs no Docker."""
    base_image: str
    """What the image is built on; a tag moves without a rebuild, so pin it by digest to decide when to rebuild."""
    build_on_preview: bool
    """Whether a preview builds the image, so that a broken Dockerfile fails there."""
    log_retention_days: int
    """Days that logs are kept; one of the periods that CloudWatch Logs offers."""
    alarm_email: str
    """Address that alarms are sent to; unset sends none."""
    alarm_topic: pulumi.Input[str]
    """ARN of an existing SNS topic that alarms are sent to; unset sends none."""
    force_destroy: bool
    """Whether pulumi destroy may delete the bucket with the videos and outputs in it."""
