"""The function's container image: built here, kept in ECR, known by its digest; or one that was built elsewhere.

The build is repeated when a file, a file's mode or an argument changes, and not when a tag moves: hence the setting
`baseImage`. A refresh does not ask the registry, so an image that somebody deleted there is built again only after such
a change, or by `pulumi up --replace` of the image.
"""

import itertools
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker

from .account import Account
from .policy import Statement, document
from .settings import Settings

IMAGES_KEPT = 10

PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
"""Docker's name for each architecture of Lambda."""


@dataclass(frozen=True)
class FunctionImage:
    """`digest` is the reference to pull, `repository@sha256:…`; `allows` is what lets Lambda pull it."""

    digest: pulumi.Output[str]
    allows: tuple[pulumi.Resource, ...] = ()


def find_image(uri: pulumi.Input[str]) -> FunctionImage:
    """Return an image that lies in ECR, whose repository lets Lambda pull it."""
    return FunctionImage(pulumi.Output.from_input(uri))


def create_image(
    base: str, context: str, settings: Settings, account: Account, opts: pulumi.ResourceOptions
) -> FunctionImage:
    """Build the folder `context` and push it to a repository of its own."""
    set_modes(Path(context))
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
            platform=PLATFORMS[settings.architecture],
            args={"BASE_IMAGE": settings.base_image, "VERSION": version(Path(context))},
        ),
        build_on_preview=settings.build_on_preview,
        registry=docker.RegistryArgs(
            server=repository.repository_url,
            username=pulumi.Output.secret(token.user_name),
            password=pulumi.Output.secret(token.password),
        ),
        opts=opts,
    )
    return FunctionImage(image.repo_digest, (pull_policy,))


def set_modes(context: Path) -> None:
    """Give the files of the context the modes that git means: they are part of the context's digest, and another
    person's umask would make another image of the same commit."""
    ignore = context / ".dockerignore"
    wanted = [line[1:] for line in ignore.read_text().splitlines() if line.startswith("!")] if ignore.is_file() else []
    paths = [path for pattern in wanted for path in context.glob(pattern)]
    for file in itertools.chain(paths, *(path.rglob("*") for path in paths)):
        if file.is_file() and not file.is_symlink():
            held = file.stat().st_mode & 0o777
            meant = 0o755 if held & 0o100 else 0o644
            if held != meant:
                file.chmod(meant)


def version(context: Path) -> str:
    """Return the version of the image that is built from `context`: what its outputs' metadata name, and its label.

    Raises:
        ValueError: the folder is not this project's.
    """
    model = context / "model.py"
    found = re.search(r'^VERSION = "(.+)"$', model.read_text(), re.MULTILINE) if model.is_file() else None
    if not found:
        raise ValueError(f"{model} names no VERSION: context is to be the folder docker-ffmpeg-thumb")
    return found[1]


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
