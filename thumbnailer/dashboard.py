"""A dashboard of the stack: what became of its videos, how long that took, what it cost, and what failed."""

from typing import Any

import pulumi
import pulumi_aws as aws

from .account import Account
from .bus import SOURCE
from .settings import Settings

NAMESPACE = "VideoThumbnailer"
"""Of the metrics that the image writes, with the function's name, so that two stacks in one account stay apart."""
OUTCOMES = ("made", "unchanged", "removed", "superseded", "skipped", "rejected", "failed")

GIGABYTE_SECOND = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
REQUEST = 0.0000002
"""USD, in us-east-1 (AWS Lambda pricing)."""

PERIOD_SECONDS = 300
COLUMNS, HEIGHT = 12, 6
"""Of the grid's 24 columns a widget has half."""


def create_dashboard(
    base: str,
    settings: Settings,
    function: aws.lambda_.Function,
    failure_queue: aws.sqs.Queue,
    account: Account,
    opts: pulumi.ResourceOptions,
) -> None:
    """Create a dashboard of six graphs, named as the function."""

    def own(name: str, **options: Any) -> list[Any]:
        return [NAMESPACE, name, "FunctionName", function.name, "service", SOURCE, options]

    def of_lambda(name: str, **options: Any) -> list[Any]:
        return ["AWS/Lambda", name, "FunctionName", function.name, options]

    cost = (
        f"duration / 1000 * {settings.memory_size / 1024} * {GIGABYTE_SECOND[settings.architecture]:.10f}"
        f" + invocations * {REQUEST:.7f}"
    )
    waiting = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", failure_queue.name]
    graphs = {
        "Outcomes": [own(name, stat="Sum") for name in OUTCOMES],
        "Seconds a video": [own("seconds", stat=stat, label=stat) for stat in ("p50", "p95", "Maximum")],
        "Bytes read": [own("bytes_read", stat="Sum"), own("requests", stat="Sum", yAxis="right")],
        "Cost of the function in USD, at the prices of us-east-1": [
            [{"expression": cost, "label": "USD"}],
            of_lambda("Duration", stat="Sum", id="duration", visible=False),
            of_lambda("Invocations", stat="Sum", id="invocations", visible=False),
        ],
        "Age of events in milliseconds, when they are worked on": [of_lambda("AsyncEventAge", stat="Maximum")],
        "Failures": [
            *(
                of_lambda(name, stat="Sum")
                for name in ("Errors", "Throttles", "AsyncEventsDropped", "DestinationDeliveryFailures")
            ),
            [*waiting, {"stat": "Maximum", "label": "in the failure queue"}],
        ],
    }
    widgets = [
        {
            "type": "metric",
            "x": number % 2 * COLUMNS,
            "y": number // 2 * HEIGHT,
            "width": COLUMNS,
            "height": HEIGHT,
            "properties": {
                "title": title,
                "region": account.region,
                "period": PERIOD_SECONDS,
                "view": "timeSeries",
                "metrics": metrics,
            },
        }
        for number, (title, metrics) in enumerate(graphs.items())
    ]
    aws.cloudwatch.Dashboard(
        f"{base}-dashboard",
        dashboard_name=function.name,
        dashboard_body=pulumi.Output.json_dumps({"widgets": widgets}),
        opts=opts,
    )
