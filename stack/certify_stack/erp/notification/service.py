"""Messages to people: templates and what was sent with them."""

from certify_stack.erp import CONSUMES
from certify_stack.erp.catalog import CUSTOMER, USER
from certify_stack.erp.notification.delivery import deliver
from certify_stack.erp.notification.telling import tell
from certify_stack.kit.model import (
    Access,
    Choice,
    Entity,
    Service,
    Subscription,
    boolean,
    choice,
    foreign,
    instant,
    local,
    text,
)
from certify_stack.kit.roles import ADMINS, MACHINES, STAFF

CHANNEL = Choice(
    "Channel",
    "The way in which a message travels.",
    {"EMAIL": "Electronic mail.", "SMS": "A text message.", "IN_APP": "A note inside of the application."},
)
STATE = Choice(
    "MessageState",
    "How far a message has come.",
    {"QUEUED": "Waits to be sent.", "SENT": "Handed to the carrier.", "FAILED": "The carrier refused it."},
)

SERVICE = Service(
    name="notification",
    description="Message templates, messages and what people want to be told.",
    entities=(
        Entity(
            name="MessageTemplate",
            plural="MessageTemplates",
            table="message_template",
            description="A text with places for values, for one channel.",
            access=Access(create=ADMINS, update=ADMINS),
            fields=(
                text("code", "The name by which services ask for it.", max_length=60, sample="template-{:03d}"),
                choice("channel", "The channel for which it is written.", CHANNEL),
                text("subject", "First line.", sample="Subject {}"),
                text("body", "The text, with places such as {customer}.", max_length=4000, sample="Body {}"),
            ),
            filters=("channel",),
        ),
        Entity(
            name="Message",
            plural="Messages",
            table="message",
            description="One message to one person.",
            access=Access(read=STAFF | MACHINES, create=STAFF | MACHINES, update=MACHINES),
            fields=(
                local("template", "MessageTemplate", "The template it was made from.", required=False),
                foreign("customer", CUSTOMER, "The customer to whom it goes.", required=False),
                foreign("user", USER, "The user to whom it goes.", required=False),
                text("address", "Mail address or telephone number.", sample="person{}@example.org"),
                choice("state", "How far it has come.", STATE),
                text("body", "The text as sent.", max_length=4000, sample="Text {}"),
                instant("sent_at", "When the carrier took it.", required=False),
            ),
            filters=("customer", "user", "template", "state"),
        ),
        Entity(
            name="TopicSubscription",
            plural="TopicSubscriptions",
            table="subscription",
            description="What a user wants to be told, and how.",
            fields=(
                foreign("user", USER, "The user who wants it."),
                text("topic", "What it is about, such as invoice.paid.", max_length=80, sample="topic.{}"),
                choice("channel", "How it should travel.", CHANNEL),
                boolean("active", "Whether it applies now."),
            ),
            filters=("user",),
        ),
    ),
    tasks={"delivery": deliver},
    subscription=Subscription(services=CONSUMES["notification"], handle=tell),
)
