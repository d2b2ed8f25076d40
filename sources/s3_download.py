"""One download from S3, which goes on where it broke off."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sources.s3_access import blocks_of


@dataclass
class Download:
    """A download that goes on where it broke off, as long as the same version stands."""

    bucket: str
    key: str
    path: Path
    _stamp: str | None = None

    def receive(self, s3: Any) -> dict[str, Any]:
        """Receive the file, or what is lacking of it, into the path.

        Args:
            s3: the client.

        Returns:
            What S3 says of it.

        Raises:
            botocore.exceptions.BotoCoreError: the connection broke; ask again.
            botocore.exceptions.ClientError: S3 refuses, or another version stands there now.
        """
        asked = {"Bucket": self.bucket, "Key": self.key}
        before = self.path.stat().st_size if self._stamp is not None else 0
        if before:
            asked |= {"Range": f"bytes={before}-", "IfMatch": str(self._stamp)}
        answer = cast("dict[str, Any]", s3.get_object(**asked))
        self._stamp = str(answer["ETag"])
        with self.path.open("ab" if before else "wb") as stream:
            for block in blocks_of(answer):
                stream.write(block)
        return answer
