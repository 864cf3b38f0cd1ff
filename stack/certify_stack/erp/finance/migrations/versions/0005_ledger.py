"""The ledger, customers' accounts, keys of commands and snapshots; what was issued and paid before is booked now."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"

COLUMNS = (
    "ALTER TABLE invoice_view ADD COLUMN language text CHECK (language IN ('ENGLISH', 'BANGLA'))",
    "UPDATE invoice_view SET language = 'ENGLISH' WHERE status <> 'DRAFT'",
    """
        ALTER TABLE payment_view ADD COLUMN method text NOT NULL DEFAULT 'BANK'
            CHECK (method IN ('BANK', 'CASH', 'CHEQUE', 'MOBILE'))
    """,
    "ALTER TABLE account_balance ADD COLUMN credit_limit numeric(18, 2) CHECK (credit_limit >= 0)",
    """
        ALTER TABLE events DROP CONSTRAINT events_stream_type_check, ADD CONSTRAINT events_stream_type_check
            CHECK (stream_type IN ('Invoice', 'Payment', 'CustomerAccount', 'JournalEntry'))
    """,
)
LEDGER = (
    """
        CREATE TABLE journal_entry_view (
            id uuid PRIMARY KEY,
            source text NOT NULL CHECK (source IN ('INVOICE', 'PAYMENT', 'MANUAL', 'REVERSAL')),
            source_id uuid NOT NULL,
            currency text NOT NULL CHECK (char_length(currency) = 3),
            posted_on date NOT NULL,
            memo text NOT NULL,
            total numeric(18, 2) NOT NULL CHECK (total > 0),
            recorded_at timestamptz NOT NULL,
            reversed_by uuid
        )
    """,
    "CREATE INDEX journal_entry_view_newest ON journal_entry_view (recorded_at DESC, id)",
    "CREATE INDEX journal_entry_view_source_id ON journal_entry_view (source_id)",
    """
        CREATE TABLE journal_line_view (
            entry_id uuid NOT NULL REFERENCES journal_entry_view (id),
            line_number integer NOT NULL CHECK (line_number > 0),
            account text NOT NULL CHECK (char_length(account) BETWEEN 1 AND 20),
            debit numeric(18, 2) NOT NULL CHECK (debit >= 0),
            credit numeric(18, 2) NOT NULL CHECK (credit >= 0),
            PRIMARY KEY (entry_id, line_number),
            CONSTRAINT journal_line_one_side CHECK ((debit > 0) <> (credit > 0))
        )
    """,
    "CREATE INDEX journal_line_view_account ON journal_line_view (account)",
)
BALANCED = (
    """
        CREATE FUNCTION check_entry(entry uuid) RETURNS void LANGUAGE plpgsql AS $body$
        DECLARE
            wanted numeric;
            debits numeric;
            credits numeric;
        BEGIN
            SELECT total INTO wanted FROM journal_entry_view WHERE id = entry;
            SELECT coalesce(sum(debit), 0), coalesce(sum(credit), 0) INTO debits, credits
                FROM journal_line_view WHERE entry_id = entry;
            IF wanted IS NOT NULL AND (debits <> wanted OR credits <> wanted) THEN
                RAISE EXCEPTION 'journal entry % does not balance: debits %, credits %, total %',
                    entry, debits, credits, wanted USING ERRCODE = 'check_violation';
            END IF;
        END
        $body$
    """,
    """
        CREATE FUNCTION entry_balances() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            PERFORM check_entry(NEW.id);
            RETURN NULL;
        END
        $body$
    """,
    """
        CREATE FUNCTION line_balances() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            IF TG_OP <> 'INSERT' THEN
                PERFORM check_entry(OLD.entry_id);
            END IF;
            IF TG_OP <> 'DELETE' THEN
                PERFORM check_entry(NEW.entry_id);
            END IF;
            RETURN NULL;
        END
        $body$
    """,
    """
        CREATE CONSTRAINT TRIGGER journal_entry_balances AFTER INSERT OR UPDATE ON journal_entry_view
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION entry_balances()
    """,
    """
        CREATE CONSTRAINT TRIGGER journal_line_balances AFTER INSERT OR UPDATE OR DELETE ON journal_line_view
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION line_balances()
    """,
)
KEYS = (
    """
        CREATE TABLE command_key (
            key text PRIMARY KEY CHECK (char_length(key) BETWEEN 1 AND 120),
            fingerprint text NOT NULL CHECK (char_length(fingerprint) = 64),
            result uuid NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    # As the code writes what a payment said; all that came in before came by bank.
    """
        INSERT INTO command_key (key, fingerprint, result, recorded_at)
        SELECT idempotency_key,
            encode(sha256(convert_to(format('["recordPayment","%s","%s","BANK"]', invoice_id, amount), 'UTF8')), 'hex'),
            id, received_at
        FROM payment_view
    """,
    """
        CREATE TABLE snapshot (
            stream_id uuid PRIMARY KEY,
            stream_version integer NOT NULL CHECK (stream_version > 0),
            shape integer NOT NULL,
            state jsonb NOT NULL
        )
    """,
)
ISSUED = """
    SELECT events.stream_id, number, currency, net, duty, vat, recorded_at FROM events
    JOIN invoice_view ON id = events.stream_id WHERE type = 'InvoiceIssued' AND gross > 0
"""
RECEIVED = "SELECT id, currency, amount, received_at FROM payment_view"
ENTRY = """
    INSERT INTO journal_entry_view (id, source, source_id, currency, posted_on, memo, total, recorded_at)
    VALUES (:id, :source, :source_id, :currency, :posted_on, :memo, :total, :recorded_at)
"""
LINE = """
    INSERT INTO journal_line_view (entry_id, line_number, account, debit, credit)
    VALUES (:entry_id, :line_number, :account, :debit, :credit)
"""
# The code's own names may change; what was booked by this migration may not.
ENTRIES = 0x5F5E_5D0C_9D53_0D1F4F4C0A01
RECEIVABLE, BANK, SALES, DUTY_PAYABLE, VAT_PAYABLE = "1200", "1010", "4000", "2110", "2100"


def upgrade() -> None:
    """Make the tables and book what is there."""
    for statement in COLUMNS + LEDGER + KEYS:
        op.execute(statement)
    # Written down as a script, it is for an empty database, which has nothing to book.
    if not op.get_context().as_sql:
        _book_all()
    for statement in BALANCED:
        op.execute(statement)


def _book_all() -> None:
    for row in op.get_bind().execute(text(ISSUED)).all():
        total = row.net + row.duty + row.vat
        sides = [(RECEIVABLE, total, 0), (SALES, 0, row.net), (DUTY_PAYABLE, 0, row.duty), (VAT_PAYABLE, 0, row.vat)]
        _book("INVOICE", row.stream_id, (row.currency, row.number, row.recorded_at), sides)
    for row in op.get_bind().execute(text(RECEIVED)).all():
        sides = [(BANK, row.amount, 0), (RECEIVABLE, 0, row.amount)]
        _book("PAYMENT", row.id, (row.currency, "BANK", row.received_at), sides)


def _book(
    source: str, source_id: UUID, about: tuple[str, str, datetime], sides: Sequence[tuple[str, Any, Any]]
) -> None:
    currency, memo, recorded_at = about
    key = UUID(int=UUID(str(source_id)).int ^ ENTRIES)
    entry = {"id": key, "source": source, "source_id": source_id, "currency": currency, "memo": memo}
    entry |= {"posted_on": recorded_at.astimezone(UTC).date(), "total": sum(side[1] for side in sides)}
    op.get_bind().execute(text(ENTRY), {**entry, "recorded_at": recorded_at})
    booked = [side for side in sides if side[1] or side[2]]
    for number, (account, debit, credit) in enumerate(booked, 1):
        line = {"entry_id": key, "line_number": number, "account": account, "debit": debit, "credit": credit}
        op.get_bind().execute(text(LINE), line)


def downgrade() -> None:
    """Remove all of it; events of accounts and entries stay, and the code before does not read them."""
    for table in ("snapshot", "command_key", "journal_line_view", "journal_entry_view"):
        op.drop_table(table)
    for function in ("entry_balances()", "line_balances()", "check_entry(uuid)"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("ALTER TABLE account_balance DROP COLUMN credit_limit")
    op.execute("ALTER TABLE payment_view DROP COLUMN method")
    op.execute("ALTER TABLE invoice_view DROP COLUMN language")
