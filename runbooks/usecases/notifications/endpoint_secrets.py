"""Taking an endpoint's secret out of its envelope. Only `tasks.py` names this."""

from runbooks.domain.ports import NoSecret
from runbooks.domain.secrecy.sealing import CannotOpen
from runbooks.domain.secrecy.unsealing import unseal
from runbooks.models import EndpointSecret
from runbooks.usecases.secrets.keep import keyring


class StoredEndpointSecrets:
    """Fulfils `EndpointSecrets`."""

    def of(self, endpoint_id: str) -> str:
        row = EndpointSecret.objects.filter(endpoint_id=endpoint_id).first()
        if row is None:
            raise NoSecret("The endpoint's secret is not there.")
        try:
            return unseal(row.sealed, context=row.context, keyring=keyring())
        except CannotOpen as error:
            raise NoSecret(f"The endpoint's secret can't be read. {error}") from error
