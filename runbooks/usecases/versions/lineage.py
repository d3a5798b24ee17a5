"""Who wrote what a version would change."""

from runbooks.models import User, Version
from runbooks.queries.versions import lineage_of


def authors_of(version: Version) -> list[User]:
    """Every author since the last version before this one that was ever published, the first of them first."""
    people = {row.author.pk: row.author for row in lineage_of(version)}
    return list(people.values())
