"""AWS Signature Version 4, made by botocore.

The request itself goes over our own line, which alone knows whether it began and never
retries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@dataclass(frozen=True, slots=True)
class SigV4:
    """Signs for one service in one region."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(repr=False)
    region: str
    service: str

    def headers(self, method: str, url: str, body: bytes, kind: str | None) -> Mapping[str, str]:
        """Authorization, X-Amz-Date, and the session's token where there is one."""
        keys = Credentials(self.access_key, self.secret_key, self.session_token)
        covered = {} if kind is None else {"Content-Type": kind}
        request = AWSRequest(method=method, url=url, data=body, headers=covered)
        SigV4Auth(keys, self.service, self.region).add_auth(request)
        return {name: value for name, value in request.headers.items() if name != "Content-Type"}
