"""The handler beside the ways that others take, in figures: `python -m benchmarks` (`make bench`)."""
