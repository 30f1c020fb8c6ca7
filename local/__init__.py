"""The whole stack on this machine: the same Pulumi program, made in an emulated AWS.

The flow, one file a stage: `emulator` (MiniStack) is started; `program` registers `__main__.py` against `monitor`,
which makes each resource through `resources` and `calls`, the image through `image`; `function` serves the function's
events in Runtime Interface Emulators, as processes or in containers, and tells `outcomes` what it answered; `samples`
makes two videos, `table` shows what became of them. `stack` holds all that together, `__main__` is the terminal.
"""
