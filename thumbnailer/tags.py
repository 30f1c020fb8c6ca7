"""Tags on everything that takes tags, decided in one place.

A transformation and not the provider's default tags: the component brings its tags along into any program, whichever
provider it is given there, and they show in its state and its previews.
"""

from collections.abc import Callable, Mapping

import pulumi


def tagging(
    tags: Mapping[str, str],
) -> Callable[[pulumi.ResourceTransformationArgs], pulumi.ResourceTransformationResult | None]:
    """Return a transformation that gives `tags` to every AWS resource below."""

    def add_tags(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        # The SDK lists every input of a type here, unset ones too: "tags" is there exactly when the type takes tags.
        if not args.type_.startswith("aws:") or "tags" not in args.props:
            return None
        return pulumi.ResourceTransformationResult({**args.props, "tags": dict(tags)}, args.opts)

    return add_tags
