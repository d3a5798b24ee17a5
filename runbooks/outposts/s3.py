"""A bucket with object lock: an object per parcel, that nobody can change or delete before its time."""

from datetime import UTC, datetime, timedelta
from typing import Any

from runbooks.domain.outposts import NotKept, Parcel
from runbooks.outposts.addresses import PlaceAddress

try:
    import boto3
    import botocore.config
    import botocore.exceptions
except ImportError:
    boto3 = None

MISSING = "boto3 is not installed where the scheduler runs: install opsaas[s3] there."
SECONDS = 10


class S3Outpost:
    """Credentials are those that boto3 finds by itself: AWS_ACCESS_KEY_ID and its friends, or the machine's role."""

    def __init__(self, address: PlaceAddress) -> None:
        self._bucket, self._prefix, self._options = address.host, address.path.strip("/"), address.options

    def keep(self, parcel: Parcel) -> None:
        if boto3 is None:
            raise NotKept(MISSING)
        text = parcel.note or "".join(f"{line}\n" for line in parcel.lines)
        key = f"{self._prefix}/{parcel.name}".lstrip("/") + (".txt" if parcel.note else ".jsonl")
        try:
            self._client().put_object(
                Bucket=self._bucket,
                Key=key,
                Body=text.encode("utf-8", "surrogateescape"),
                ContentType="text/plain; charset=utf-8" if parcel.note else "application/jsonl",
                ChecksumAlgorithm="SHA256",
                **self._lock(),
            )
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            raise NotKept(f"The bucket {self._bucket} did not take it: {_said(error)}") from error

    def _client(self) -> Any:
        settings = botocore.config.Config(
            connect_timeout=SECONDS,
            read_timeout=SECONDS,
            retries={"total_max_attempts": 1},  # our own come later
            s3={"addressing_style": "path"} if "endpoint" in self._options else {},
        )
        where = {"endpoint_url": self._options.get("endpoint"), "region_name": self._options.get("region")}
        return boto3.client("s3", config=settings, **where)

    def _lock(self) -> dict[str, object]:
        mode = self._options.get("mode", "compliance")
        if mode == "none":
            return {}
        days = int(self._options.get("retain_days", "3650"))
        return {
            "ObjectLockMode": mode.upper(),
            "ObjectLockRetainUntilDate": datetime.now(tz=UTC) + timedelta(days=days),
        }


def _said(error: Exception) -> str:
    """Of what a server answered only its code: texts of its own may repeat what it was sent."""
    if isinstance(error, botocore.exceptions.ClientError):
        return f"{error.response.get('Error', {}).get('Code', 'unknown error')}."
    return f"{str(error)[:200]}"
