"""Looks at the events that failed for good, and hands them to the function again: `python -m redrive --help`.

The flow, one file a stage: `target` finds the queue and the function; `queue` holds the queue's messages for as long as
they are looked at; `failures` reads what Lambda wrote in them; `table` shows them; `replay` invokes the function.

A package of its own, beside `thumbnailer/`: whoever imports that imports Pulumi, which takes a second and has to be
installed. An operator at night has Python and boto3.
"""
