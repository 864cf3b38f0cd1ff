"""TIN and BIN: what has their form is kept as it is, and whatever has not is refused.

The form is all that is public: 12 and 13 digits. Neither number has a published check digit, so none is tested.
"""

# ruff: noqa: RUF001 - digits that only look like digits are what is tested

from typing import Any

import pytest

pytestmark = pytest.mark.scenario("tax-numbers")

CUSTOMER = "mutation ($input: CustomerCreateInput!) { createCustomer(input: $input) { id taxNumber bin } }"
COMPANY = "mutation ($input: CompanyCreateInput!) { createCompany(input: $input) { id taxNumber bin } }"
FOUND = "query ($id: ID!) { customer(id: $id) { taxNumber bin } }"

GOOD = {"taxNumber": ["224187378587", "000000000001", "999999999999"], "bin": ["0022418737858", "9999999999999"]}
SHORT_AND_LONG = {
    "taxNumber": ["1", "22418737858", "2241873785870", "0022418737858", "1" * 30],
    "bin": ["1", "123456789", "12345678901", "224187378587", "00224187378587", "1" * 30],
}
# Each has the right length.
WRONG = {
    "taxNumber": ["22418737858O", "A24187378587", "২২৪১৮৭৩৭৮৫৮৭", "٢٢٤١٨٧٣٧٨٥٨٧", "２２４１８７３７８５８７", "2241 8737858", " 24187378587", "22418737858 ", "2241873-8587", "+22418737858", "22418737858\n", "22418737858²", "22418737.587"],
    "bin": ["002241873785O", "BIN2418737858", "০০২২৪১৮৭৩৭৮৫৮", "００２２４１８７３７８５８", "00224 8737858", " 022418737858", "002241873785 ", "002241873-858", "002241873785\n", "0022418737.58"],
}  # fmt: skip


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(field, number) for field, numbers in table.items() for number in numbers]


def customer(business: Any, field: str, number: str) -> Any:
    given = {"name": "Numbers", "email": "n@example.org", "status": "PROSPECT", "creditLimit": "0.00", field: number}
    given["currencyId"] = business.known["currencies"][0]["id"]
    return business.gateway.answer(CUSTOMER, business.user("clerk"), input=given)


def company(business: Any, field: str, number: str) -> Any:
    given = {"name": "Numbers", "taxNumber": "224187378587", field: number}
    given |= {
        name + "Id": business.known[plural][0]["id"]
        for name, plural in (("currency", "currencies"), ("country", "countries"))
    }
    return business.gateway.answer(COMPANY, business.user("admin"), input=given)


MAKERS = {"customer": customer, "company": company}


@pytest.mark.parametrize("made", list(MAKERS))
def test_numbers_of_the_right_form_are_kept_digit_by_digit(business: Any, made: str) -> None:
    for field, number in cases(GOOD):
        answer = MAKERS[made](business, field, number)
        assert answer.ok, f"{field} {number!r}: {answer.complaint}"
        (entry,) = answer.data.values()
        assert entry[field] == number
        if made == "customer":
            found = business.gateway.query(FOUND, business.user("clerk"), id=entry["id"])["customer"]
            assert found[field] == number


@pytest.mark.parametrize("made", list(MAKERS))
@pytest.mark.parametrize("table", [SHORT_AND_LONG, WRONG], ids=["short-and-long", "wrong-characters"])
def test_everything_else_is_refused_and_told_why(business: Any, made: str, table: dict[str, list[str]]) -> None:
    for field, number in cases(table):
        answer = MAKERS[made](business, field, number)
        codes = [error["extensions"]["code"] for error in answer.errors]
        assert codes == ["BAD_USER_INPUT"], f"{field} {number!r} of a {made} was taken"
        kind = "TIN" if field == "taxNumber" else "BIN"
        assert kind in answer.errors[0]["message"]
