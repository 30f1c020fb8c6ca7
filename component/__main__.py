"""Serves the component to the engine, which starts this folder as a program."""

import sys
from pathlib import Path

from pulumi.provider.experimental import component_provider_host

# The component is the one of the stack, beside this folder.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from component.provider import IMAGE, PACKAGE, VideoThumbnailer
from thumbnailer.image import version

component_provider_host([VideoThumbnailer], PACKAGE, version=version(IMAGE))
