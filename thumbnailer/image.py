"""The function's container image: built here, kept in ECR, known by its digest."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker

from .account import Account
from .policy import Statement, document

IMAGES_KEPT = 10

PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
"""Docker's name for each architecture of Lambda."""


@dataclass(frozen=True)
class FunctionImage:
    """`digest` is the reference to pull, `repository@sha256:…`; `pull_policy` is what lets Lambda pull it."""

    digest: pulumi.Output[str]
    pull_policy: pulumi.Resource


def create_image(
    base: str, context: str, architecture: str, account: Account, opts: pulumi.ResourceOptions
) -> FunctionImage:
    """Builds the folder `context` for `architecture` and pushes it to a repository of its own."""
    repository = aws.ecr.Repository(
        f"{base}-image",
        image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
        # Each push moves the tag; the function is given the digest and never sees the tag.
        image_tag_mutability="MUTABLE",
        force_delete=True,
        opts=opts,
    )
    aws.ecr.LifecyclePolicy(
        f"{base}-image",
        repository=repository.name,
        policy=_keep_newest(IMAGES_KEPT),
        opts=opts,
    )
    pull_policy = aws.ecr.RepositoryPolicy(
        f"{base}-image",
        repository=repository.name,
        policy=document(
            Statement(
                "LambdaPullsTheImage",
                ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                [],
                principals={"Service": "lambda.amazonaws.com"},
                # Any function of this account and region: the function itself cannot be named before its image exists.
                conditions={"StringLike": {"aws:sourceArn": account.arn("lambda", "function:*")}},
            )
        ),
        opts=opts,
    )
    token = aws.ecr.get_authorization_token_output(
        registry_id=repository.registry_id, opts=pulumi.InvokeOptions(parent=opts.parent)
    )
    image = docker.Image(
        f"{base}-image",
        image_name=pulumi.Output.concat(repository.repository_url, ":latest"),
        build=docker.DockerBuildArgs(
            # Relative paths: they are part of the context's digest, which must be the same on every machine.
            context=context,
            dockerfile=f"{context}/Dockerfile",
            platform=PLATFORMS[architecture],
        ),
        registry=docker.RegistryArgs(
            server=repository.repository_url,
            username=pulumi.Output.secret(token.user_name),
            password=pulumi.Output.secret(token.password),
        ),
        opts=opts,
    )
    return FunctionImage(digest=image.repo_digest, pull_policy=pull_policy)


def _keep_newest(count: int) -> str:
    # By count and never by age: a push takes the tag from the digest that the function still runs, and an age rule
    # would delete that image under it.
    return json.dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "description": f"Keep the {count} newest images",
                    "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count},
                    "action": {"type": "expire"},
                }
            ]
        }
    )
