"""The stack: reads the settings, builds the service, exports what its user needs."""

import pulumi

from thumbnailer import VideoThumbnailer, read_settings

settings = read_settings(pulumi.Config())
service = VideoThumbnailer(f"{pulumi.get_project()}-{pulumi.get_stack()}", settings)

pulumi.export("bucket", service.bucket)
pulumi.export("function", service.function)
pulumi.export("logGroup", service.log_group)
pulumi.export("failureQueue", service.failure_queue)
pulumi.export("imageDigest", service.image_digest)
pulumi.export("uploadCommand", service.upload_command)
pulumi.export("logsCommand", service.logs_command)
pulumi.export("failuresCommand", service.failures_command)
