"""What operators run: `python -m operate COMMAND`; see `docs/operations.md`.

| command | does |
| --- | --- |
| `redrive` | shows the events that failed for good, and hands them to the function again |
| `backfill` | makes the thumbnails of videos that were in the bucket before the stack |
| `retake` | makes the thumbnails of some videos anew, at another moment or in other widths |
| `notifications` | switches EventBridge on for a bucket that others use, and off again |

A package of its own, beside `thumbnailer/`: whoever imports that imports Pulumi, which takes a second and has to be
installed. An operator at night has Python and boto3 (`requirements.txt`).
"""
