"""How fast a file of invoices is imported, from the first byte of the upload to the end of the import.

    ./dev bench import_invoices [--rows 10000] [--rounds 3]

Five services run, each in a process of its own, over one PostgreSQL: import-export takes the file, file-storage keeps it,
finance books it, crm and master-data are asked about customers and products. Beside each round: COPY of the very rows that
came of it into empty tables with the same indexes and constraints. CPU seconds tell more than the
clock where others work too.
Ends with 1 when the median round is below 2,000 invoices a second.
"""

import argparse
import asyncio
import csv
import hashlib
import io
import multiprocessing
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

import httpx
from copying import bare_copy, cpu_seconds, database, server_seconds
from cryptography.hazmat.primitives.asymmetric import rsa

from certify_stack.embedded import postgres
from certify_stack.erp.import_export.reading import REQUIRED
from certify_stack.erp.samples import sample_id
from certify_stack.erp.seed import seed
from certify_stack.kit import migrate
from certify_stack.kit.roles import Role
from certify_stack.kit.server import listen, serve
from certify_stack.kit.settings import DEFAULT_AUDIENCE, DEFAULT_ISSUER, Settings
from certify_stack.kit.tokens import SigningKey, thumbprint

SERVICES = ("import-export", "file-storage", "finance", "crm", "master-data")
WANTED = 2_000
RATES = ("15", "10", "7.5", "5")
FORK = multiprocessing.get_context("fork")


class Running(NamedTuple):
    """Where the services are, and who may use them."""

    url: str
    dsns: dict[str, str]
    token: str
    pids: list[int]
    server: int


def file_of(rows: int, mark: str) -> bytes:
    """A file whose rows are good."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(REQUIRED)
    for number in range(rows):
        customer, product = sample_id("Customer", number % 50), sample_id("Product", number % 50)
        price = f"{1 + number % 900}.{number % 100:02d}"
        given = (customer, "BDT", product, f"Delivery {number}", 1 + number % 9, price, RATES[number % 4], "2027-01-31")
        writer.writerow((f"{mark}-{number}", *given))
    return text.getvalue().encode()


@contextmanager
def running(server: str, pid: int, folder: Path) -> Iterator[Running]:
    """All services, each in a process of its own."""
    private = rsa.generate_private_key(65537, 2048)
    key = SigningKey(private, thumbprint(private.public_key()))
    claims = {"issuer": DEFAULT_ISSUER, "audience": DEFAULT_AUDIENCE, "ttl": 3600}
    sockets = {name: listen("127.0.0.1", 0) for name in SERVICES}
    urls = {name: f"http://127.0.0.1:{one.getsockname()[1]}" for name, one in sockets.items()}
    dsns = {name: asyncio.run(database(server, name)) for name in SERVICES}
    for name, dsn in dsns.items():
        migrate.upgrade(dsn, name)
    asyncio.run(seed(dsns))
    processes = []
    for name in SERVICES:
        token = folder / f"{name}.token"
        token.write_text(key.mint(name, [Role.SERVICE], **claims), encoding="ascii")
        others = {other: url for other, url in urls.items() if other != name}
        settings = Settings(
            database_dsn=dsns[name], auth_public_jwks=key.jwks(), service_urls=others, service_token_file=token
        )
        processes.append(FORK.Process(target=quiet, args=(name, settings, sockets[name], folder), daemon=True))
    for process in processes:
        process.start()
    user = str(uuid5(NAMESPACE_URL, "bench"))
    try:
        pids = [process.pid for process in processes]
        yield Running(urls["import-export"], dsns, key.mint(user, [Role.ACCOUNTANT], **claims), pids, pid)
    finally:
        for process in processes:
            process.terminate()
            process.join(10)


def quiet(name: str, settings: Settings, listening: object, folder: Path) -> None:
    """Serve, with the log in a file."""
    sys.stdout = sys.stderr = (folder / f"{name}.log").open("w", encoding="utf-8")
    serve(name, settings, listening)


def imported(stack: Running, body: bytes) -> tuple[float, float, float]:
    """Upload a file and wait for the end; gives seconds, and CPU seconds of the services and of PostgreSQL."""
    headers = {"authorization": f"Bearer {stack.token}", "content-type": "text/csv"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=60, trust_env=False) as client:
        used, stored, began = cpu_seconds(stack.pids), server_seconds(stack.server), time.perf_counter()
        answer = client.post("/imports", params={"name": "bench.csv"}, content=body)
        answer.raise_for_status()
        while (job := client.get(f"/imports/{answer.json()['id']}").json())["state"] not in {"DONE", "FAILED"}:
            time.sleep(0.02)
        seconds = time.perf_counter() - began
    if job["state"] != "DONE":
        sys.exit(f"the import failed: {job['trouble']}")
    return seconds, cpu_seconds(stack.pids) - used, server_seconds(stack.server) - stored


def copied(server: str, stack: Running, body: bytes) -> tuple[int, float]:
    """COPY of the rows that came of a file into an empty database; gives rows and seconds."""
    sha256 = hashlib.sha256(body).hexdigest()
    of_it = f"import_id = (SELECT id FROM invoice_import WHERE sha256 = '{sha256}')"  # noqa: S608 - a digest
    ids = f"SELECT invoice_id FROM imported_invoice WHERE {of_it}"  # noqa: S608 - as above
    target = asyncio.run(database(server, "finance"))
    migrate.upgrade(target, "finance")
    wheres = {
        "events": f"stream_id IN ({ids})",
        "invoice_view": f"id IN ({ids})",
        "invoice_line_view": f"invoice_id IN ({ids})",
        "journal_entry_view": f"source_id IN ({ids})",
        "journal_line_view": f"entry_id IN (SELECT id FROM journal_entry_view WHERE source_id IN ({ids}))",  # noqa: S608
        "invoice_import": f"sha256 = '{sha256}'",
        "imported_invoice": of_it,
    }
    return asyncio.run(bare_copy(stack.dsns["finance"], target, wheres))


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Measure, print, and say whether it is fast enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    speeds = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        own = stack.enter_context(postgres.temporary())
        server = own.dsn("postgres")
        services = stack.enter_context(running(server, own.process.pid, folder))
        imported(services, file_of(10, f"W{secrets.token_hex(4)}"))
        for _ in range(given.rounds):
            body = file_of(given.rows, f"R{secrets.token_hex(4)}")
            seconds, used, stored = imported(services, body)
            rows, bare = copied(server, services, body)
            speeds.append(given.rows / seconds)
            say(
                f"import {given.rows} invoices ({len(body) / 1e6:.1f} MB): {seconds:.2f} s = {speeds[-1]:,.0f} a second, "
                f"{used:.2f} s CPU and {stored:.2f} s of PostgreSQL | COPY of the same {rows} rows: {bare:.2f} s = {given.rows / bare:,.0f} invoices "
                f"a second | {seconds / bare:.1f} times as long"
            )
    median = statistics.median(speeds)
    say(
        f"median {median:,.0f} invoices a second, wanted {WANTED:,}: {'fast enough' if median >= WANTED else 'too slow'}"
    )
    return 0 if median >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
