"""What this machine offers to keep scripts in, found by trying; and which of it a piece of work gets."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runbooks.domain.containment import STRENGTH, stronger
from runbooks.domain.ports import Containment, Level
from runbooks.execution.recipes import HOST, LANDLOCK, ROOTED, ROOTLESS, USER, WITH_A_USER

LEVELS = {
    ROOTED: Level.FULL,
    ROOTLESS: Level.FULL,
    USER: Level.PROCESS,
    LANDLOCK: Level.PROCESS,
    HOST: Level.HOST,
}  # best first: one recipe a level is enough


class NotContained(Exception):
    """This worker can't keep the script as it has to be kept."""


@dataclass(frozen=True)
class Ladder:
    offered: Sequence[str]  # recipes, best first
    refused: dict[str, str]  # recipe to the reason why the machine refuses it

    @property
    def strongest(self) -> Level:
        return LEVELS[self.offered[0]]

    @property
    def levels(self) -> list[Level]:
        return [LEVELS[recipe] for recipe in self.offered]

    def recipe_for(self, containment: Containment) -> str:
        """The strongest where no level is asked for; else that level or, if it is not offered, the next above.

        Raises NotContained.
        """
        able = [recipe for recipe in self.offered if _able(recipe, containment)]
        if containment.level is not None:
            able = [recipe for recipe in reversed(able) if not _weaker(LEVELS[recipe], containment.level)]
        if not able:
            raise NotContained(f"{_demand(containment)}, and this worker offers at most {self.strongest}. {self.why}")
        return able[0]

    @property
    def why(self) -> str:
        """Why it is not more, for people."""
        missing = [recipe for recipe in self.refused if LEVELS[recipe] not in self.levels]
        return " ".join(f"{LEVELS[recipe]} ({recipe}): {self.refused[recipe]}" for recipe in missing)


def climb(tried: Callable[[str], str], *, recipes: Sequence[str]) -> Ladder:
    """`tried` runs a script in a recipe, and says what was wrong with it, or "" if nothing."""
    offered: list[str] = []
    refused: dict[str, str] = {}
    for recipe, level in LEVELS.items():
        if recipe not in recipes or level in (LEVELS[known] for known in offered):
            continue
        trouble = "" if recipe == HOST else tried(recipe)
        if trouble:
            refused[recipe] = trouble
        else:
            offered.append(recipe)
    return Ladder(offered=offered, refused=refused)


def _weaker(level: Level, than: Level) -> bool:
    return STRENGTH.index(level) < STRENGTH.index(than)


def _able(recipe: str, containment: Containment) -> bool:
    if containment.least is not None and _weaker(LEVELS[recipe], containment.least):
        return False
    if not containment.network and LEVELS[recipe] is not Level.FULL:
        return False
    return containment.processes is None or counts_processes(recipe)


def counts_processes(recipe: str) -> bool:
    """The kernel counts those of a user, or of a user in a namespace; root's it counts nowhere."""
    return recipe in WITH_A_USER or (recipe == ROOTLESS and os.geteuid() != 0)


def _demand(containment: Containment) -> str:
    if not containment.network:
        return "A script without network needs the containment level full"
    if containment.processes is not None and containment.level is not Level.FULL:
        return "A limit of processes needs the containment level full, or process where the worker is root"
    return f"The script needs the containment level {stronger(containment.level, containment.least)}"
