"""Whom the company writes to, by real SMTP and by a provider of text messages, and what became of it."""

from typing import Any

import pytest

MESSAGES = "query ($w: MessagesWhere) { messages(where: $w) { id state address body sentAt } }"


@pytest.mark.scenario("e-mail")
@pytest.mark.notices("notification")
def test_a_bill_arrives_by_mail_once(business: Any, mailbox: Any) -> None:
    due = business.issue(business.draw_up())["dueOn"]
    (mail,) = mailbox.wait(business.email)
    assert (mail.kind, mail.subject) == ("email", "Your invoice")
    assert mail.text == f"You are billed 2513.14 BDT. Please pay until {due}."
    assert mail.headers["to"] == business.email
    assert mail.headers["message-id"]


@pytest.mark.scenario("sms")
@pytest.mark.notices("notification")
def test_a_bill_arrives_as_a_text_message_once(business: Any, mailbox: Any) -> None:
    due = business.issue(business.draw_up())["dueOn"]
    (message,) = mailbox.wait(business.phone)
    assert (message.kind, message.text) == ("sms", f"You are billed 2513.14 BDT. Please pay until {due}.")


@pytest.mark.scenario("e-mail", "sms")
def test_what_was_sent_is_on_record_with_its_address(
    business: Any, mailbox: Any, gateway: Any, user: Any, eventually: Any
) -> None:
    invoice = business.draw_up()
    business.issue(invoice)
    business.pay(invoice, "2513.14")
    sent = [message for address in (business.email, business.phone) for message in mailbox.wait(address, 2)]

    def settled() -> list[dict[str, Any]]:
        given = {"customerId": business.customer["id"]}
        rows: list[dict[str, Any]] = gateway.query(MESSAGES, user("clerk"), w=given)["messages"]
        return rows if {row["state"] for row in rows} == {"SENT"} else []

    rows = eventually(settled, what="all messages sent")
    assert sorted((row["address"], row["body"]) for row in rows) == sorted((one.to, one.text) for one in sent)
    assert all(row["sentAt"] for row in rows)
