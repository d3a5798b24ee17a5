"""Messages by e-mail, through whatever Django's settings name: SMTP, or files in embedded mode."""

import smtplib

from django.core.mail import EmailMessage

from runbooks.domain.ports import Message, NotDelivered


class EmailNotifier:
    def send(self, message: Message) -> None:
        try:
            EmailMessage(subject=message.subject, body=message.text, to=[message.recipient]).send()
        except (smtplib.SMTPException, OSError) as error:
            raise NotDelivered(f"the mail server did not take it: {error}") from error
