"""A certificate for this machine, of an authority that exists for this purpose alone."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import botocore
import trustme


@dataclass(frozen=True)
class Certificate:
    """What the server shows, and what its clients must trust."""

    context: ssl.SSLContext
    bundle: Path
    """All authorities that botocore trusts, and this one. A bundle of one would load in no time; those of botocore take
    what they take on Lambda: some 20 ms for each connection that loads them anew."""


def certificate(folder: Path) -> Certificate:
    """Make a certificate for 127.0.0.1 and localhost, of RSA like S3's; the bundle goes to `folder`."""
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost", key_type=trustme.KeyType.RSA).configure_cert(context)
    bundle = folder / "authorities.pem"
    trusted = Path(botocore.__file__).parent / "cacert.pem"
    bundle.write_bytes(trusted.read_bytes() + b"\n" + authority.cert_pem.bytes())
    return Certificate(context, bundle)
