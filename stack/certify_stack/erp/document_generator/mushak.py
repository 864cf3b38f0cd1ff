# ruff: noqa: RUF001 - Bangla digits are what the form is numbered with
"""Form Mushak-6.3, the tax invoice of Bangladesh: what is on it, in Bangla and English, as a web page.

The form is that of the Value Added Tax and Supplementary Duty Rules, 2016, rule 40 (1) (c) and (f): head, supplier, buyer,
number, date and time of issue, eleven columns, totals, and who answers for it. Texts of others are escaped.
"""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from html import escape

import msgspec

from certify_stack.erp.taka import grouped_amount, in_bangla

# Bangladesh has had no summer time since 2009.
DHAKA = timezone(timedelta(hours=6))
FIRST_MONTH = 7


class FormLanguage(StrEnum):
    """The language of the form's own words."""

    BANGLA = "BANGLA"
    ENGLISH = "ENGLISH"


class Row(msgspec.Struct, frozen=True):
    """One line of the form; amounts are decimal numbers in digits."""

    description: str
    unit: str
    quantity: str
    unit_price: str
    value: str
    duty_rate: str
    duty: str
    vat_rate: str
    vat: str
    gross: str


class Form(msgspec.Struct, frozen=True):
    """What the form says."""

    supplier_name: str
    supplier_bin: str
    issued_from: str
    buyer_name: str
    buyer_bin: str
    buyer_address: str
    destination: str
    vehicle: str
    officer_name: str
    officer_title: str
    rows: tuple[Row, ...]


# What is written before each field: Bangla as on the form, English as commonly translated.
LABELS = {
    "government": ("গণপ্রজাতন্ত্রী বাংলাদেশ সরকার", "Government of the People's Republic of Bangladesh"),
    "board": ("জাতীয় রাজস্ব বোর্ড", "National Board of Revenue"),
    "title": ("কর চালানপত্র", "Tax Invoice"),
    "form": ("মূসক-৬.৩", "Mushak-6.3"),
    "rule": (
        "[বিধি ৪০ এর উপ-বিধি (১) এর দফা (গ) ও দফা (চ) দ্রষ্টব্য]",
        "[See clauses (c) and (f) of sub-rule (1) of rule 40]",
    ),
    "supplier_name": ("নিবন্ধিত ব্যক্তির নাম", "Name of registered person"),
    "supplier_bin": ("নিবন্ধিত ব্যক্তির বিআইএন", "BIN of registered person"),
    "issued_from": ("চালানপত্র ইস্যুর ঠিকানা", "Address of issue"),
    "buyer_name": ("ক্রেতার নাম", "Name of buyer"),
    "buyer_bin": ("ক্রেতার বিআইএন", "BIN of buyer"),
    "buyer_address": ("ক্রেতার ঠিকানা", "Address of buyer"),
    "destination": ("সরবরাহের গন্তব্যস্থল", "Destination of supply"),
    "vehicle": ("যানবাহনের প্রকৃতি ও নম্বর", "Kind and number of vehicle"),
    "number": ("চালানপত্র নম্বর", "Invoice number"),
    "date": ("ইস্যুর তারিখ", "Date of issue"),
    "time": ("ইস্যুর সময়", "Time of issue"),
    "total": ("সর্বমোট", "Total"),
    "officer_name": ("প্রতিষ্ঠান কর্তৃপক্ষের দায়িত্বপ্রাপ্ত ব্যক্তির নাম", "Name of the person in charge"),
    "officer_title": ("পদবি", "Designation"),
    "signature": ("স্বাক্ষর", "Signature"),
    "seal": ("সিল", "Seal"),
    "note": ("১ সকল প্রকার কর ব্যতীত মূল্য", "1 Value without any kind of tax"),
}
COLUMNS = (
    ("ক্রমিক", "No."),
    ("পণ্য বা সেবার বর্ণনা (প্রযোজ্য ক্ষেত্রে ব্র্যান্ড নামসহ)", "Description of goods or services (with brand name, if any)"),
    ("সরবরাহের একক", "Unit of supply"),
    ("পরিমাণ", "Quantity"),
    ("একক মূল্য১ (টাকায়)", "Unit price1 (taka)"),
    ("মোট মূল্য১ (টাকায়)", "Total price1 (taka)"),
    ("সম্পূরক শুল্কের হার", "Rate of supplementary duty"),
    ("সম্পূরক শুল্কের পরিমাণ (টাকায়)", "Supplementary duty (taka)"),
    ("মূল্য সংযোজন করের হার/ সুনির্দিষ্ট কর", "Rate of value added tax or specific tax"),
    ("মূল্য সংযোজন কর/ সুনির্দিষ্ট কর এর পরিমাণ (টাকায়)", "Value added tax or specific tax (taka)"),
    ("সকল প্রকার শুল্ক ও করসহ মূল্য", "Price with all duties and taxes"),
)
# Digits in the language of the form.
Write = Callable[[str], str]
STYLE = "table{border-collapse:collapse}td,th{border:1px solid;padding:2px 6px}.amount{text-align:right}"


def fiscal_year(moment: datetime) -> str:
    """Return the year from July to June in which the moment lies in Dhaka, such as ``2026-27``."""
    local = moment.astimezone(DHAKA)
    first = local.year if local.month >= FIRST_MONTH else local.year - 1
    return f"{first}-{(first + 1) % 100:02d}"


def number_of(year: str, serial: int) -> str:
    """Return the number as printed."""
    return f"{year}/{serial:06d}"


def unit_price(value: str, quantity: str) -> str:
    """Return what one unit is worth, to two places, halves away from zero; for reading, since nothing is computed from it."""
    return f"{(Decimal(value) / Decimal(quantity)).quantize(Decimal('0.01'), rounding=ROUND_HALF_UP):f}"


def printed_bin(digits: str) -> str:
    """Return a BIN as it is printed: nine digits, a hyphen, four digits; nothing for a buyer that has none."""
    return f"{digits[:9]}-{digits[9:]}" if digits else ""


def render(form: Form, number: str, issued_at: datetime, language: FormLanguage) -> str:
    """Return the form as a web page."""
    place = 0 if language is FormLanguage.BANGLA else 1
    local = issued_at.astimezone(DHAKA)
    values = {name: getattr(form, name) for name in LABELS if hasattr(form, name)}
    digits: Write = in_bangla if language is FormLanguage.BANGLA else str
    # What people wrote, such as an address, stays as they wrote it.
    values |= {"supplier_bin": digits(printed_bin(form.supplier_bin)), "buyer_bin": digits(printed_bin(form.buyer_bin))}
    values |= {"number": digits(number), "date": digits(f"{local:%d-%m-%Y}"), "time": digits(f"{local:%H:%M}")}
    head = "".join(f"<p>{escape(LABELS[name][place])}</p>" for name in ("government", "board"))
    head += f"<h1>{LABELS['title'][place]}</h1><p>{LABELS['form'][place]}</p><p>{LABELS['rule'][place]}</p>"
    above = "".join(_field(name, values[name], place) for name in values if not name.startswith("officer"))
    below = "".join(_field(name, values[name], place) for name in values if name.startswith("officer"))
    below += "".join(_field(name, "", place) for name in ("signature", "seal"))
    lang = "bn" if place == 0 else "en"
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8"><title>{LABELS["form"][place]}</title>'
        f"<style>{STYLE}</style></head><body>{head}<dl>{above}</dl>{_table(form, place, digits)}<dl>{below}</dl>"
        f"<p>{LABELS['note'][place]}</p></body></html>"
    )


def _field(name: str, value: str, place: int) -> str:
    return f'<dt>{escape(LABELS[name][place])}</dt><dd data-field="{name}">{escape(value)}</dd>'


def _table(form: Form, place: int, write: Write) -> str:
    heads = "".join(f"<th>{escape(column[place])}</th>" for column in COLUMNS)
    marks = "".join(f"<td>({write(str(number))})</td>" for number in range(1, len(COLUMNS) + 1))
    rows = "".join(_row(number, row, write) for number, row in enumerate(form.rows, 1))
    sums = {
        name: sum((Decimal(getattr(row, name)) for row in form.rows), Decimal(0))
        for name in ("value", "duty", "vat", "gross")
    }
    cells: list[str | Decimal] = [
        LABELS["total"][place],
        "",
        "",
        "",
        "",
        sums["value"],
        "",
        sums["duty"],
        "",
        sums["vat"],
        sums["gross"],
    ]
    total = "".join(_cell(write(grouped_amount(f"{cell:f}")) if isinstance(cell, Decimal) else cell) for cell in cells)
    return (
        f"<table><thead><tr>{heads}</tr><tr>{marks}</tr></thead><tbody>{rows}</tbody>"
        f'<tfoot><tr data-field="total">{total}</tr></tfoot></table>'
    )


def _row(number: int, row: Row, digits: Write) -> str:
    amounts = (row.unit_price, row.value)
    cells = [digits(str(number)), row.description, row.unit, digits(row.quantity)]
    cells += [digits(grouped_amount(amount)) for amount in amounts]
    cells += [digits(f"{row.duty_rate}%"), digits(grouped_amount(row.duty)), digits(f"{row.vat_rate}%")]
    cells += [digits(grouped_amount(amount)) for amount in (row.vat, row.gross)]
    return f"<tr>{''.join(_cell(cell) for cell in cells)}</tr>"


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"
