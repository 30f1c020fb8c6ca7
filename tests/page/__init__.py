"""The page of a local run in a real browser, and the storyboard's cues in real parsers."""
