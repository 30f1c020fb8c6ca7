"""Where the stack is deployed: what its ARNs are made of."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True)
class Account:
    """The AWS account and region that the provider works in."""

    id: pulumi.Output[str]
    partition: pulumi.Output[str]
    region: pulumi.Output[str]
    dns_suffix: pulumi.Output[str]

    def arn(self, service: str, resource: pulumi.Input[str]) -> pulumi.Output[str]:
        """Return the ARN of a resource of this account and region."""
        return pulumi.Output.format("arn:{0}:{1}:{2}:{3}:{4}", self.partition, service, self.region, self.id, resource)

    @property
    def root(self) -> pulumi.Output[str]:
        """The principal that stands for the whole account in a resource's policy."""
        return pulumi.Output.format("arn:{0}:iam::{1}:root", self.partition, self.id)


def find_account(parent: pulumi.Resource) -> Account:
    """Ask the provider that `parent` uses for its account and region."""
    opts = pulumi.InvokeOptions(parent=parent)
    partition = aws.get_partition_output(opts=opts)
    return Account(
        id=aws.get_caller_identity_output(opts=opts).account_id,
        partition=partition.partition,
        region=aws.get_region_output(opts=opts).region,
        dns_suffix=partition.dns_suffix,
    )
