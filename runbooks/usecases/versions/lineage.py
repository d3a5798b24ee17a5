"""Who wrote what a version would change."""

from runbooks.domain.states import VersionState
from runbooks.models import User, Version

WAS_PUBLISHED = (VersionState.PUBLISHED, VersionState.SUPERSEDED)


def authors_of(version: Version) -> list[User]:
    """Every author since the last version before this one that was ever published, the first of them first."""
    earlier = Version.objects.filter(runbook=version.runbook, number__lt=version.number, state__in=WAS_PUBLISHED)
    last = earlier.order_by("-number").values_list("number", flat=True).first() or 0
    lineage = Version.objects.filter(runbook=version.runbook, number__gt=last, number__lte=version.number)
    people = {row.author.pk: row.author for row in lineage.select_related("author").order_by("number")}
    return list(people.values())
