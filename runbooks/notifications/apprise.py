"""Any of the services that Apprise knows; an extra, and only administrators choose it: it calls out by itself."""

import logging

from runbooks.domain.ports import Message, NotDelivered, Receipt

try:
    import apprise
except ImportError:
    apprise = None

MISSING = "Apprise is not installed where messages are sent from: install opsaas[apprise] there."


class AppriseNotifier:
    def send(self, message: Message) -> Receipt:
        if apprise is None:
            raise NotDelivered(MISSING)
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it would log addresses, and passwords with them
        service = apprise.Apprise()
        if not service.add(message.recipient):
            raise NotDelivered("Apprise does not know this form of address.", for_good=True)
        if not service.notify(title=message.subject, body=message.text, body_format=apprise.NotifyFormat.TEXT):
            raise NotDelivered("The service did not take it; Apprise does not say why.")
        return Receipt()
