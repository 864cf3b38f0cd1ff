"""What takes messages out of the stack: a mail server by SMTP, a provider of text messages by HTTP."""

import asyncio
import smtplib
from email.message import EmailMessage
from typing import Protocol
from uuid import UUID

import httpx
import msgspec

from certify_stack.kit.tracing import outgoing

SENDER = "billing@erp.example"
DOMAIN = "notification.erp.example"
SECONDS = 5.0
# RFC 5321: what begins with 5 will be the same the next time.
_PERMANENT = 500


class Letter(msgspec.Struct, frozen=True):
    """One message to one address. `reference` is the same at every attempt, so that a repeated one can be told."""

    reference: UUID
    address: str
    subject: str
    body: str


class UndeliverableError(Exception):
    """Trying again will not help; the message says why."""


class LaterError(Exception):
    """The carrier does not answer, or asks to come again."""


class Carrier(Protocol):
    """Takes a letter, or raises `UndeliverableError` or `LaterError`."""

    async def send(self, letter: Letter) -> None:
        """Hand it over; returns when the carrier has taken it."""

    async def close(self) -> None:
        """Give back what is open."""


class Mail:
    """A mail server, `host:port`."""

    def __init__(self, server: str) -> None:
        host, _, port = server.rpartition(":")
        self._host, self._port = host, int(port)

    async def send(self, letter: Letter) -> None:
        """Send it as a mail whose Message-ID is the letter's reference."""
        await asyncio.to_thread(self._send, letter)

    async def close(self) -> None:
        """Nothing stays open."""

    def _send(self, letter: Letter) -> None:
        try:
            mail = mail_of(letter)
            with smtplib.SMTP(self._host, self._port, local_hostname=DOMAIN, timeout=SECONDS) as server:
                server.send_message(mail)
        except ValueError as error:
            raise UndeliverableError(f"no mail can be made of it: {error}") from error
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise _refused(code, text) from error
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError) as error:
            raise LaterError(f"mail server: {type(error).__name__}") from error


class TextMessages:
    """A provider that takes `POST /sms` with `to`, `text` and `reference`; the same reference again sends nothing."""

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/sms"
        self._http: httpx.AsyncClient | None = None

    async def send(self, letter: Letter) -> None:
        """Hand the text over, without its subject."""
        body = {"to": letter.address, "text": letter.body, "reference": str(letter.reference)}
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=SECONDS, trust_env=False)
        try:
            answer = await self._http.post(self._url, json=body, headers=outgoing())
        except httpx.HTTPError as error:
            raise LaterError(f"provider of text messages: {type(error).__name__}") from error
        if answer.is_client_error and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            raise UndeliverableError(f"provider of text messages: HTTP {answer.status_code}")
        if not answer.is_success:
            raise LaterError(f"provider of text messages: HTTP {answer.status_code}")

    async def close(self) -> None:
        """Close idle connections."""
        if self._http is not None:
            await self._http.aclose()


def mail_of(letter: Letter) -> EmailMessage:
    """The letter as a mail.

    Raises:
        ValueError: the address or the subject would break out of its header.
    """
    mail = EmailMessage()
    mail["From"] = SENDER
    mail["To"] = letter.address
    mail["Subject"] = letter.subject
    mail["Message-ID"] = f"<{letter.reference}@{DOMAIN}>"
    if (parent := outgoing().get("traceparent")) is not None:
        mail["traceparent"] = parent
    mail.set_content(letter.body)
    return mail


def _refused(code: int, text: bytes | str) -> Exception:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    kind = UndeliverableError if code >= _PERMANENT else LaterError
    return kind(f"mail server: {code} {said[:200]}")
