"""The whole service as one component, put together in the order in which a video passes through it."""

import pulumi

from .account import find_account
from .alarms import create_alarms
from .bucket import create_bucket, find_bucket
from .function import create_failure_queue, create_function, create_log_group
from .image import create_image
from .names import base_name
from .permissions import create_role
from .settings import Settings, check
from .tags import tagging
from .trigger import create_trigger


class VideoThumbnailer(pulumi.ComponentResource):
    """Puts a thumbnail beside every video that is put into a bucket.

    Raises `SettingsError` before the first resource when `settings` hold what they may not hold.
    """

    bucket: pulumi.Output[str]
    """Name of the bucket that takes the videos."""
    function: pulumi.Output[str]
    """Name of the function."""
    log_group: pulumi.Output[str]
    """Name of the function's log group."""
    failure_queue: pulumi.Output[str]
    """URL of the queue that takes events which failed for good."""
    image_digest: pulumi.Output[str]
    """The image that the function runs, `repository@sha256:…`."""
    upload_command: pulumi.Output[str]
    logs_command: pulumi.Output[str]
    failures_command: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        settings: Settings | None = None,
        context: str = "./docker-ffmpeg-thumb",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`context` is the folder that the image is built from, relative to where `pulumi` runs."""
        settings = settings or Settings()
        check(settings)
        tags = {"Project": pulumi.get_project(), "Stack": pulumi.get_stack()}
        super().__init__(
            "thumbnailer:index:VideoThumbnailer",
            name,
            opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions(transformations=[tagging(tags)]), opts),
        )
        base = base_name(name)
        child = pulumi.ResourceOptions(parent=self)
        account = find_account(self)

        if settings.bucket is None:
            videos = create_bucket(base, settings.force_destroy, child)
        else:
            videos = find_bucket(settings.bucket, self)
        images = videos if settings.output_bucket is None else find_bucket(settings.output_bucket, self)
        log_group = create_log_group(base, settings.log_retention_days, child)
        failure_queue = create_failure_queue(base, child)
        role = create_role(base, settings, videos, images, log_group, failure_queue, child)
        image = create_image(base, context, settings.architecture, account, child)
        function = create_function(base, settings, image, role, images, log_group, failure_queue, child)
        create_trigger(base, settings.suffixes, videos, function, account, child)
        create_alarms(base, settings, function, failure_queue, account, child)

        self.bucket = videos.name
        self.function = function.name
        self.log_group = log_group.name
        self.failure_queue = failure_queue.url
        self.image_digest = image.digest
        self.upload_command = pulumi.Output.format(
            "aws s3 cp video{0} s3://{1}/ --region {2}", settings.suffixes[0], videos.name, account.region
        )
        self.logs_command = pulumi.Output.format(
            "aws logs tail {0} --follow --region {1}", log_group.name, account.region
        )
        # A look, not a take: with no visibility timeout the messages stay for the next one who looks.
        self.failures_command = pulumi.Output.format(
            "aws sqs receive-message --queue-url {0} --max-number-of-messages 10 --visibility-timeout 0 --region {1}",
            failure_queue.url,
            account.region,
        )
        self.register_outputs(
            {
                "bucket": self.bucket,
                "function": self.function,
                "logGroup": self.log_group,
                "failureQueue": self.failure_queue,
                "imageDigest": self.image_digest,
                "uploadCommand": self.upload_command,
                "logsCommand": self.logs_command,
                "failuresCommand": self.failures_command,
            }
        )
