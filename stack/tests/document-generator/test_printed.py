"""The tax invoice as a PDF: every field in both languages, Bangla shaped, for those who may read it."""

# ruff: noqa: RUF001 - Bangla digits are what is printed

import base64
import io
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from erp_harness import Harness
from msgspec.structs import replace
from pypdf import PdfReader

from certify_stack.erp.document_generator import forms, mushak
from certify_stack.erp.document_generator.mushak import COLUMNS, LABELS, Form, FormLanguage, Row
from certify_stack.printing import MOST_ROWS, Column, PrintingError, Report, pdf_of, table_report, typeset

NOW = datetime(2026, 6, 30, 18, 30, tzinfo=UTC)
ROW = Row(
    "Rice #strong[x]", "bag", "2.000", "50000.00", "100000.00", "20.00", "20000.00", "15.00", "18000.00", "138000.00"
)
FORM = Form("Padma & Sons", "0022418737858", "Motijheel", "Buyer", "0034972180101", "Mohakhali", "Khilkhet", "Truck 11-2233", "R. Karim", "Manager", (ROW, ROW))  # fmt: skip
COLUMNS_OF_REPORT = (Column("Number"), Column("Customer", 3), Column("Gross", 2, amount=True))


def read(pdf: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(pdf))


def text_of(pdf: bytes) -> str:
    """Return the text, with its spaces as one: cells and lines break it."""
    return " ".join("\n".join(page.extract_text() for page in read(pdf).pages).split())


def letters(text: str) -> list[str]:
    """Return the consonants and digits: a PDF gives signs in the order in which they are drawn, not in that of writing."""
    return sorted(char for char in text if unicodedata.category(char) in {"Lo", "Nd"})


@pytest.fixture(scope="module")
def pages() -> dict[FormLanguage, bytes]:
    return {language: mushak.printed(FORM, "2026-27/000001", NOW, language) for language in FormLanguage}


def test_every_field_and_amount_is_on_the_english_form(pages: dict[FormLanguage, bytes]):
    found = text_of(pages[FormLanguage.ENGLISH])
    for words in (*LABELS.values(), *COLUMNS):
        assert words[1] in found
    assert "Rice #strong[x]" in found, "what people wrote is no markup"
    for text in ("Padma & Sons", "002241873-7858", "2026-27/000001", "01-07-2026", "00:30", "1,38,000.00"):
        assert text in found
    assert [found.count(total) for total in ("2,00,000.00", "40,000.00", "36,000.00", "2,76,000.00")] == [1] * 4


def test_every_field_and_amount_is_on_the_bangla_form(pages: dict[FormLanguage, bytes]):
    found = text_of(pages[FormLanguage.BANGLA])
    drawn = letters(found)
    said = letters("".join(words[0] for words in (*LABELS.values(), *COLUMNS)))
    assert [char for char in set(said) if drawn.count(char) < said.count(char)] == []
    for text in ("০০২২৪১৮৭৩-৭৮৫৮", "২০২৬-২৭/০০০০০১", "০১-০৭-২০২৬", "২,৭৬,০০০.০০", "Padma & Sons"):
        assert text in found


@pytest.mark.parametrize("text", ["Наука", "你好", "\U0001f600", "a\x01b", "\ufffe"])
def test_a_text_that_the_font_lacks_is_printed_all_the_same(text: str):
    """A name of a customer must not keep an invoice from being printed."""
    odd = replace(FORM, buyer_name=f"Buyer {text}", rows=(replace(ROW, description=text),))
    found = text_of(mushak.printed(odd, "2026-27/000001", NOW, FormLanguage.ENGLISH))
    assert "1,38,000.00" in found
    assert "Padma & Sons" in found


def test_few_documents_are_made_at_once(monkeypatch: pytest.MonkeyPatch):
    running, most = [0], [0]
    run = subprocess.run

    def counted(*given: Any, **more: Any) -> Any:
        running[0] += 1
        most[0] = max(most[0], running[0])
        try:
            return run(*given, **more)
        finally:
            running[0] -= 1

    monkeypatch.setattr(typeset.subprocess, "run", counted)
    with ThreadPoolExecutor(6) as threads:
        made = list(threads.map(lambda _: mushak.printed(FORM, "1", NOW, FormLanguage.ENGLISH), range(6)))
    assert (len(set(made)), most[0]) == (1, typeset.AT_ONCE)


def test_bangla_is_shaped(tmp_path: Path):
    """A conjunct is one glyph: the letters of ক্ষ drawn as they come would be three."""
    (tmp_path / "t.typ").write_text(
        '#set text(font: "Noto Sans Bengali")\n'
        '#context assert(measure("ক্ষ").width < measure("ক").width + measure("ষ").width)\n'
        '#context assert(measure("দ্র").width < measure("দ").width + measure("র").width)\nx'
    )
    assert pdf_of(tmp_path / "t.typ", {}, NOW).startswith(b"%PDF-")


def test_a_document_holds_its_fonts_and_is_the_same_each_time(pages: dict[FormLanguage, bytes]):
    for language, pdf in pages.items():
        assert mushak.printed(FORM, "2026-27/000001", NOW, language) == pdf
        fonts = {font for page in read(pdf).pages for font in page["/Resources"]["/Font"].values()}
        assert fonts
        for font in fonts:
            (own,) = font.get_object()["/DescendantFonts"]
            assert "NotoSansBengali" in own.get_object()["/FontDescriptor"]["/FontName"]
            assert {"/FontFile2", "/FontFile3"} & set(own.get_object()["/FontDescriptor"])


def test_a_form_of_many_rows_repeats_its_headings():
    long = Form(**{name: getattr(FORM, name) for name in FORM.__struct_fields__} | {"rows": (ROW,) * 60})
    found = read(mushak.printed(long, "2026-27/000002", NOW, FormLanguage.ENGLISH)).pages
    assert len(found) > 1
    assert all("Quantity" in page.extract_text() for page in found[:2])


class TestAsked:
    """Of the service."""

    @pytest.fixture
    def kept(self, erp: Harness) -> str:
        async def keep() -> Any:
            return await forms.issue(erp.app.state.runtime.database, "x", uuid4(), FORM)

        return str(erp.run(keep())["id"])

    def test_as_a_file_or_through_the_graph(self, erp: Harness, kept: str):
        header = {"authorization": f"Bearer {erp.token('auditor')}"}
        answer = erp.get(f"/tax-invoices/{kept}.pdf?language=ENGLISH", headers=header)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
        assert 'filename="mushak-6.3-' in answer.headers["content-disposition"]
        assert "Name of buyer" in text_of(answer.content)
        query = "query($id: ID!) { taxInvoiceForm(id: $id) { number pdf } }"
        form = erp.ask(query, {"id": kept}, role="accountant")["taxInvoiceForm"]
        assert "২,৭৬,০০০.০০" in text_of(base64.b64decode(form["pdf"]))

    @pytest.mark.parametrize(
        ("role", "path", "status"),
        [
            ("", "{}.pdf", 401),
            ("clerk", "{}.pdf", 403),
            ("auditor", "{}.pdf?language=LATIN", 400),
            ("auditor", "no-id.pdf", 400),
            ("auditor", f"{uuid4()}.pdf", 404),
        ],
    )
    def test_nobody_else_and_nothing_else(self, erp: Harness, kept: str, role: str, path: str, status: int):
        header = {"authorization": f"Bearer {erp.token(role)}"} if role else {}
        assert erp.get(f"/tax-invoices/{path.format(kept)}", headers=header).status_code == status

    def test_without_its_font_nothing_is_printed(
        self, erp: Harness, kept: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ):
        monkeypatch.setattr(typeset, "FONTS", tmp_path)
        header = {"authorization": f"Bearer {erp.token('auditor')}"}
        answer = erp.get(f"/tax-invoices/{kept}.pdf", headers=header)
        assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
        with pytest.raises(PrintingError, match=r"Noto Sans Bengali is not in .*; see that"):
            mushak.printed(FORM, "x", NOW, FormLanguage.BANGLA)


class TestReport:
    """A table of any service."""

    def test_has_all_rows_and_totals(self):
        rows = [(str(number), f"Customer {number} ক্রেতা", f"{number}.00") for number in range(200)]
        made = Report(
            title="Import", about=("of July",), columns=COLUMNS_OF_REPORT, rows=rows, totals=("", "Total", "19900.00")
        )
        found = read(table_report(made, NOW)).pages
        words = " ".join(page.extract_text() for page in found)
        assert len(found) > 3
        assert all("Gross" in page.extract_text() for page in found)
        assert [f"Customer {number} " in words for number in range(200)] == [True] * 200
        assert ("Import" in words, "of July" in words, "19900.00" in words) == (True, True, True)

    @pytest.mark.parametrize(
        ("rows", "totals", "said"),
        [
            ([("1", "2")], (), "row 1 has 2 texts, there are 3 columns"),
            ([("1", "2", "3")], ("4",), "row 2 has 1 texts"),
            ([("1", "2", "3")] * (MOST_ROWS + 1), (), "1001 rows are too many"),
        ],
    )
    def test_refuses_what_is_no_table(self, rows: list[tuple[str, ...]], totals: tuple[str, ...], said: str):
        with pytest.raises(ValueError, match=said):
            table_report(Report(title="x", columns=COLUMNS_OF_REPORT, rows=rows, totals=totals), NOW)


def test_a_template_that_does_not_fit_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "t.typ").write_text("#let data = json(bytes(sys.inputs.data))\n#data.absent")
    with pytest.raises(PrintingError, match=r"t\.typ cannot be printed: .*absent"):
        pdf_of(tmp_path / "t.typ", {}, NOW)
    (tmp_path / "t.typ").write_text('#read("../secret.txt")')
    (tmp_path.parent / "secret.txt").write_text("x")
    with pytest.raises(PrintingError, match=r"t\.typ cannot be printed"):
        pdf_of(tmp_path / "t.typ", {}, NOW)
    monkeypatch.setattr(typeset, "SECONDS", 0.001)
    with pytest.raises(PrintingError, match="was not printed within"):
        pdf_of(tmp_path / "t.typ", {}, NOW)


def test_a_service_starts_without_the_library():
    source = "import sys; from certify_stack.kit.app import create_app; from certify_stack.kit.app import schema_of; "
    source += "schema_of('document-generator'); sys.exit('typst' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", source], check=False).returncode == 0
