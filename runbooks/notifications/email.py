"""Messages by e-mail, through whatever Django's settings name: SMTP, or files in embedded mode."""

import smtplib

from django.core.mail import EmailMessage

from runbooks.domain.ports import Message, NotDelivered, Receipt


class EmailNotifier:
    def send(self, message: Message) -> Receipt:
        try:
            EmailMessage(subject=message.subject, body=message.text, to=[message.recipient]).send()
        except (smtplib.SMTPException, OSError, ValueError) as error:  # ValueError: a header that can not be
            raise NotDelivered(_said(error)) from error
        return Receipt()


def _said(error: Exception) -> str:
    """What the server answered, as a person reads it."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = error.recipients.values()
        return "; ".join(f"The mail server answered: {code} {text.decode(errors='replace')}" for code, text in answers)
    return f"The mail was not taken: {error}"
