"""From the address of a place to the outpost that reaches it."""

from pathlib import Path

from runbooks.domain.outposts import Outpost
from runbooks.domain.ports import Outgoing
from runbooks.outposts.addresses import PlaceAddress
from runbooks.outposts.files import FileOutpost, StdoutOutpost
from runbooks.outposts.s3 import S3Outpost
from runbooks.outposts.syslog import SyslogOutpost
from runbooks.outposts.webhook import WebhookOutpost


def opened(address: PlaceAddress, *, outgoing: Outgoing) -> Outpost:
    match address.kind:
        case "file":
            return FileOutpost(Path(address.path))
        case "stdout":
            return StdoutOutpost()
        case "http" | "https":
            return WebhookOutpost(outgoing, url=address.url)
        case "s3":
            return S3Outpost(address)
        case _:
            return SyslogOutpost(host=address.host, port=address.port, kind=address.kind)
