"""Slack's incoming webhooks, and those of Mattermost, Rocket.Chat and others that take the same."""

import json
from typing import Any

from runbooks.domain.ports import Message, Outgoing, Receipt
from runbooks.notifications.calling import post

MOST_CHARACTERS = 2900  # of a section: Slack takes 3,000


class SlackNotifier:
    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    def send(self, message: Message) -> Receipt:
        body = json.dumps(_payload(message)).encode()
        return post(self._outgoing, url=message.recipient, headers={"User-Agent": "opsaas"}, body=body)


def _payload(message: Message) -> dict[str, Any]:
    """`text` is what notifications show; `blocks` are what the channel does."""
    headline = _inert(message.subject.removeprefix("[opsaas] "))
    blocks: list[dict[str, Any]] = [_section(f"*{headline.replace('*', '')}*")]
    if told := message.text.strip():
        blocks.append(_section(_inert(told[:MOST_CHARACTERS]), kind="plain_text"))
    if message.link:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Look at it"}, "url": message.link}
        blocks.append({"type": "actions", "elements": [button]})
    return {"text": headline, "blocks": blocks, "unfurl_links": False}


def _section(text: str, *, kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": "section", "text": {"type": kind, "text": text[:MOST_CHARACTERS]}}


def _inert(text: str) -> str:
    """Slack reads <…> as links and as calls of everybody: a value of a parameter must be neither."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
