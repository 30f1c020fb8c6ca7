"""The engine's part of a storyboard, served as a function like the handler: 100 keyframes of a video as tiles.

The handler makes a storyboard beside a poster; here it is made alone, by the handler's own parts and in a process of
its own like the handler's jobs, because that is what a keyframe scan does.
"""

import json
import time
from typing import Any

import handler as function
from pipeline import confinement, encode, events, storyboard
from pipeline.confinement import Allowance
from pipeline.demux import open_video
from pipeline.events import Video
from pipeline.ffmpeg import Limits
from pipeline.outcome import MADE, Outcome
from pipeline.source import Source


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Makes the sheets of the one video of an event."""
    video = events.videos(event)[0]
    limits = Limits(memory=function.SETTINGS.memory_bytes * 3 // 5, seconds=120)
    allowance = Allowance(300, function.SETTINGS.memory_bytes * 3 // 10, memory_of_children=limits.memory)
    outcome = confinement.run(lambda: _make(video, limits), video.bucket, video.key, allowance)
    return {"outcomes": [outcome.as_json()]}


def _make(video: Video, limits: Limits) -> Outcome:
    settings, began = function.SETTINGS, time.monotonic()
    source = Source(function.S3, video, function.READ_LIMIT)
    source.open()
    demuxer = open_video(source)
    opened = time.monotonic()
    board = storyboard.take(demuxer, settings.storyboard_budget, settings.pad_colour, limits)
    taken = time.monotonic()
    for number, sheet in enumerate(board.sheets):
        content = encode.encode(sheet, settings.format, settings.quality, settings.pad_colour)
        key = f"{video.key.removesuffix('.mp4')}.storyboard{f'-{number + 1}' if number else ''}.jpg"
        function.S3.put_object(Bucket=video.bucket, Key=key, Body=content)
    ended = time.monotonic()
    stages = {"open": opened - began, "take": taken - opened, "write": ended - taken}
    note = json.dumps({"tiles": len(board.bounds) - 1, **{name: round(value, 3) for name, value in stages.items()}})
    demuxer.close()
    source.close()
    return Outcome(video.bucket, video.key, MADE, notes=(note,), read=source.reading, seconds=ended - began)
