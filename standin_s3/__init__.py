"""An S3 for tests and benchmarks: over TLS, as slow as S3, failing as it is told to, and counting what is asked of it.

`s3.S3` is the stand-in itself, `serving.serving` serves one in this process, and `process.started` in a process of its
own, whose processor time does not count for what is measured. By hand: `python -m standin_s3 FOLDER`.

It knows GET (ranges, conditions, versions), HEAD, PUT (conditions, metadata), CopyObject, DELETE and ListObjectsV2
under path-style addresses. Signatures are not checked. With `upstream` it stands before another S3.
"""
