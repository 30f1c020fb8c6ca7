"""The stages of the image one by one, without FFmpeg and without AWS."""
