"""What the infrastructure tests share: one stack with everything switched on, in an update and in a preview."""

import pytest

from .recording import Recording, record

EVERYTHING = {
    "suffixes": '[".mp4", ".mov"]',
    "widths": "[640, 320]",
    "height": "360",
    "fit": "cover",
    "storyboard": "true",
    "storyboardPlaylist": "true",
    "preview": "true",
    "placeholder": "true",
    "manifest": "true",
    "outputPrefix": "thumbnails/",
    "reservedConcurrency": "5",
    "alarmEmail": "team@example.com",
    "storyboardJson": "true",
    "deleteOutputs": "true",
    "notify": "true",
    "backfill": "true",
    "kmsKeys": '["arn:aws:kms:eu-north-1:123456789012:key/1234abcd"]',
    "subnetIds": '["subnet-0a1b2c3d"]',
    "securityGroupIds": '["sg-0a1b2c3d"]',
}


@pytest.fixture(params=["update", "preview"])
def stack(request: pytest.FixtureRequest) -> Recording:
    """Return the stack with every optional part, as an update and as a preview declares it."""
    return record(EVERYTHING, preview=request.param == "preview")


@pytest.fixture
def deployed() -> Recording:
    """Return the stack with every optional part, as an update declares it."""
    return record(EVERYTHING)


@pytest.fixture
def plain() -> Recording:
    """Return the stack with nothing set, as an update declares it."""
    return record()
