"""What a grant is limited to: the nodes that the `use` and the `run` in it cover."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from runbooks.access.actors import Actor
from runbooks.access.held import Place
from runbooks.access.node_reach import NO_LIMIT, NODES, limits_on
from runbooks.access.rights import rights_on
from runbooks.domain.policy import YES, Decision, no
from runbooks.domain.problems import Invalid, Problem, pointer_to
from runbooks.domain.selectors import selector_problem

LIMITED = ("run", "use")


def checked_limits(limits: Mapping[str, object], *, rights: Sequence[str]) -> dict[str, str]:
    """Raises Invalid."""
    problems = [
        Problem(pointer_to("limits", str(name)), "unknown_field", f"A grant can be limited to {NODES}.")
        for name in limits
        if name != NODES
    ]
    query = limits.get(NODES)
    if NODES in limits:
        wrong = selector_problem(query) if isinstance(query, str) and query else "Give a query of tags, or CEL."
        if wrong:
            problems.append(Problem(f"/limits/{NODES}", "invalid_condition", wrong))
        elif not set(rights) & set(LIMITED):
            detail = "Only the rights run and use can be limited to nodes."
            problems.append(Problem(f"/limits/{NODES}", "not_applicable", detail))
    if problems:
        raise Invalid(problems)
    return {NODES: str(query)} if NODES in limits else {}


def no_wider(
    *, actor: Actor, place: Place, rights: Sequence[str], limits: Mapping[str, str], now: datetime
) -> Decision:
    """Who holds a right on some nodes only hands it on for the same nodes."""
    if "administer" in rights_on(actor=actor, place=place, now=now):
        return YES
    for right in LIMITED:
        if right not in rights:
            continue
        own = limits_on(actor=actor, right=right, place=place, now=now)
        if own and NO_LIMIT not in own and limits.get(NODES, NO_LIMIT) not in own:
            return no(f"You hold “{right}” only with limits, and can hand it on with the same limits only.")
    return YES
