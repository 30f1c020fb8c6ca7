"""Faults between the handler and S3, in FFmpeg and of the function itself: each ends in a picture or in an error."""
