"""What a script hands over besides its output, without secrets."""

from collections.abc import Iterator
from dataclasses import replace

from runbooks.domain.ports import Outcome, Work
from runbooks.domain.secrecy.redaction import Masker

NAME_HELD_A_SECRET = "The script gave an output a name that holds a secret: it was not kept."  # noqa: S105


def hidden_in(work: Work) -> Iterator[str]:
    """All that an attempt carries and no output may show: what it gets, and the keys to where it goes."""
    yield from work.secrets.values()
    yield from work.secret_files.values()
    target = work.target
    while target is not None:
        yield from filter(None, (target.private_key, target.password))
        target = target.jump


def masked(outcome: Outcome, masker: Masker) -> Outcome:
    outputs = {name: masker.whole(value) for name, value in outcome.outputs.items() if masker.whole(name) == name}
    told = outcome.detail if len(outputs) == len(outcome.outputs) else f"{outcome.detail} {NAME_HELD_A_SECRET}".strip()
    return replace(outcome, outputs=outputs, summary=masker.whole(outcome.summary), detail=masker.whole(told))
