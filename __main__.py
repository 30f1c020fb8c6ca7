"""The stack: reads the settings, builds the service, exports what its user needs."""

import pulumi

from thumbnailer import VideoThumbnailer, read_settings

settings = read_settings(pulumi.Config())
service = VideoThumbnailer(f"{pulumi.get_project()}-{pulumi.get_stack()}", settings)

for name, value in service.outputs.items():
    pulumi.export(name, value)
