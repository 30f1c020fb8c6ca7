"""A bounded load run of the whole service in the emulated AWS: `python -m benchmarks.load` (`make load`).

The flow, one file a stage: `clips` makes tiny videos that carry a number; `plan` says what is uploaded, what goes wrong
with it, and how it must end; `service` brings the stack up, with `standin_s3` between the function and S3, which lets
requests fail; `drive` uploads and sends events again; `handlers` samples the warm handlers meanwhile; `checks` looks
for every object in the bucket, the failure queue and the log; `report` and `plot` write `docs/load.*`.
"""
