"""The time of an embedded AWS, which runs faster. The server and its users have the same clock."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True)
class Clock:
    """`scale` virtual seconds pass in each second since it `began`, at the time `date`."""

    scale: float
    # All processes of a machine share this clock, which nobody sets back.
    began: float = field(default_factory=time.monotonic)
    date: float = field(default_factory=time.time)

    def now(self) -> float:
        """Virtual seconds since it began."""
        return (time.monotonic() - self.began) * self.scale

    def presigned(self, url: str, signature: str) -> str:
        """The URL as CloudFormation presigns one for S3: with the time of signing, in whole seconds.

        https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
        """
        signed = datetime.fromtimestamp(self.date + self.now(), UTC)
        query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={signed:%Y%m%dT%H%M%SZ}&X-Amz-SignedHeaders=host"
        return f"{url}?{query}&X-Amz-Expires=7200&X-Amz-Signature={signature}"

    def text(self) -> str:
        """For another process."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> Clock:
        """The clock that another process wrote by `text`."""
        return cls(**json.loads(text))
