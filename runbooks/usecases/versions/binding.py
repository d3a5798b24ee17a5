"""What a version says, with the policy that binds a run of it now."""

from runbooks.domain.binding import under
from runbooks.domain.definition import Definition
from runbooks.domain.states import VersionState
from runbooks.models import Version
from runbooks.usecases.versions.draft import definition_of


def binding_definition(version: Version) -> Definition:
    """Of the published version nothing more is looked up; any other is bound by what that one demands, too."""
    definition = definition_of(version)
    if version.state == VersionState.PUBLISHED:
        return definition
    published = Version.objects.filter(runbook=version.runbook_id, state=VersionState.PUBLISHED).first()
    return under(definition, published=definition_of(published)) if published else definition
