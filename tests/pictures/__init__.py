"""The handler itself on real FFmpeg, generated videos and an emulated S3: what the pictures show.

Nothing here needs AWS or Docker. A test makes a tiny video whose right picture it knows by construction, puts it into
a bucket, hands the handler the event that S3 would send, and looks at the pixels that come back.
"""
