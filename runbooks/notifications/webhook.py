"""JSON to any server, signed as Standard Webhooks has it."""

import json
import time
from collections.abc import Callable

from runbooks.domain.ports import Message, NotDelivered, Outgoing, Receipt
from runbooks.domain.signing import BadSecret, signed
from runbooks.notifications.calling import post


class WebhookNotifier:
    def __init__(self, outgoing: Outgoing, *, clock: Callable[[], float] = time.time) -> None:
        self._outgoing, self._clock = outgoing, clock

    def send(self, message: Message) -> Receipt:
        body = json.dumps(message.facts, separators=(",", ":"), ensure_ascii=False).encode()
        moment = str(int(self._clock()))
        try:
            signature = signed(message.secret, id=message.id, moment=moment, body=body)
        except BadSecret as error:
            raise NotDelivered(str(error), for_good=True) from error
        headers = {"webhook-id": message.id, "webhook-timestamp": moment, "webhook-signature": signature}
        return post(self._outgoing, url=message.recipient, headers={"User-Agent": "opsaas", **headers}, body=body)
