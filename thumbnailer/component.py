"""The whole service as one component, put together in the order in which a video passes through it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from .account import find_account
from .alarms import create_alarms
from .backfill import create_backfill
from .bucket import create_bucket, find_bucket
from .bus import create_retake_rule, find_bus, takes_requests
from .dashboard import create_dashboard
from .function import create_function, create_log_group
from .image import create_image, find_image
from .names import base_name, function_name
from .permissions import create_role
from .queue import close_queue, create_queue
from .rules import call_function
from .settings import Settings, check
from .tags import tagging
from .trigger import choose_trigger, create_rules, notify_by_eventbridge, notify_by_s3


class VideoThumbnailer(pulumi.ComponentResource):
    """Puts a thumbnail beside every video that is put into a bucket.

    Raises, before the first resource of AWS is declared:
        SettingsError: `settings` hold what they may not hold.
        Refused: the bucket has notifications that would be lost, or does not send its events to EventBridge.
    """

    bucket: pulumi.Output[str]
    """Name of the bucket that takes the videos."""
    output_bucket: pulumi.Output[str]
    """Name of the bucket that takes the outputs."""
    suffixes: Sequence[str]
    """The endings of keys that are videos."""
    function: pulumi.Output[str]
    """Name of the function."""
    log_group: pulumi.Output[str]
    """Name of the function's log group."""
    failure_queue: pulumi.Output[str]
    """URL of the queue that takes events which failed for good."""
    image_digest: pulumi.Output[str]
    """The image that the function runs, `repository@sha256:…`."""
    trigger: str
    """What calls the function: `s3` or `eventbridge`."""
    event_bus: pulumi.Output[str] | None
    """ARN of the bus on which outcomes are announced; None without `notify`."""
    backfill_role: pulumi.Output[str] | None
    """ARN of the role for S3 Batch Operations; None without `backfill`."""
    backfill_reports: pulumi.Output[str] | None
    """Where its manifests and reports lie, `s3://…`; None without `backfill`."""
    upload_command: pulumi.Output[str]
    logs_command: pulumi.Output[str]
    failures_command: pulumi.Output[str]
    outputs: Mapping[str, pulumi.Input[Any]]
    """All of these that there are, by their names as a stack's outputs, with the account and the region."""

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

        trigger = choose_trigger(settings, function_name(base), self)
        if settings.bucket:
            videos = find_bucket(settings.bucket, account, self)
        else:
            videos = create_bucket(base, settings.force_destroy, child)
        outputs = find_bucket(settings.output_bucket, account, self) if settings.output_bucket else videos
        log_group = create_log_group(base, settings.log_retention_days, child)
        failures = create_queue(f"{base}-failures", child)
        event_bus = find_bus(base, settings, child)
        role = create_role(base, settings, videos, outputs, log_group, failures, event_bus, account, child)
        if settings.image_uri:
            image = find_image(settings.image_uri)
        else:
            image = create_image(base, context, settings, account, child)
        function = create_function(base, settings, image, role, log_group, failures, event_bus or "", child)

        rules = create_rules(base, settings, videos, child) if trigger.kind == "eventbridge" else []
        if event_bus and takes_requests(settings, self):
            rules.append(create_retake_rule(base, event_bus, videos, child))
        closed = close_queue(f"{base}-failures", failures, rules, child)
        targets = [call_function(rule, function, failures, closed, child) for rule in rules]
        if trigger.kind == "s3":
            notify_by_s3(base, settings, trigger, videos, function, account, child)
        else:
            notify_by_eventbridge(base, settings, trigger, videos, function, targets, child)
        create_alarms(base, settings, function, failures, account, child)
        create_dashboard(base, settings, function, failures, account, child)
        backfill = None
        if settings.backfill:
            backfill = create_backfill(base, settings, videos, outputs, function, account, child)

        self.bucket = videos.name
        self.output_bucket = outputs.name
        self.suffixes = list(settings.suffixes)
        self.function = function.name
        self.log_group = log_group.name
        self.failure_queue = failures.url
        self.image_digest = image.digest
        self.trigger = trigger.kind
        self.event_bus = event_bus
        self.backfill_role = backfill.role if backfill else None
        self.backfill_reports = backfill.reports if backfill else None
        self.upload_command = pulumi.Output.format(
            "aws s3 cp video{0} s3://{1}/ --region {2}", settings.suffixes[0], videos.name, account.region
        )
        self.logs_command = pulumi.Output.format(
            "aws logs tail {0} --follow --region {1}", log_group.name, account.region
        )
        # A look, not a take: with no visibility timeout the messages stay for the next one who looks.
        self.failures_command = pulumi.Output.format(
            "aws sqs receive-message --queue-url {0} --max-number-of-messages 10 --visibility-timeout 0 --region {1}",
            failures.url,
            account.region,
        )
        exported: dict[str, pulumi.Input[Any] | None] = {
            "account": account.id,
            "region": account.region,
            "bucket": self.bucket,
            "outputBucket": self.output_bucket,
            "suffixes": self.suffixes,
            "prefixes": list(settings.prefixes),
            "ignoreCase": settings.ignore_case,
            "trigger": self.trigger,
            "function": self.function,
            "logGroup": self.log_group,
            "failureQueue": self.failure_queue,
            "imageDigest": self.image_digest,
            "eventBus": self.event_bus,
            "backfillRole": self.backfill_role,
            "backfillReports": self.backfill_reports,
            "uploadCommand": self.upload_command,
            "logsCommand": self.logs_command,
            "failuresCommand": self.failures_command,
        }
        self.outputs = {name: value for name, value in exported.items() if value is not None}
        self.register_outputs(self.outputs)
