"""Reference data that all services share: countries, currencies, units and products."""

from certify_stack.erp.catalog import COUNTRY, CURRENCY, PRODUCT, SUPPLIER
from certify_stack.kit.model import (
    Access,
    Choice,
    Entity,
    Service,
    boolean,
    choice,
    decimal,
    foreign,
    integer,
    local,
    text,
)
from certify_stack.kit.roles import ADMINS, STAFF

CURATED = Access(create=ADMINS, update=ADMINS, delete=ADMINS)

PRODUCT_KIND = Choice(
    "ProductKind",
    "What kind of thing a product is.",
    {"GOOD": "A thing that is stocked.", "SERVICE": "Work that is done.", "DIGITAL": "A licence or a download."},
)

SERVICE = Service(
    name="master-data",
    description="Countries, currencies, units of measure and products.",
    entities=(
        Entity(
            name="Country",
            plural="Countries",
            table="country",
            description=COUNTRY.description,
            access=CURATED,
            fields=(
                text("code", "Two-letter code of ISO 3166-1.", max_length=2, sample="{:02X}"),
                text("name", "Common name in English.", sample="Country {}"),
            ),
        ),
        Entity(
            name="Currency",
            plural="Currencies",
            table="currency",
            description=CURRENCY.description,
            access=CURATED,
            fields=(
                text("code", "Three-letter code of ISO 4217.", max_length=3, sample="{:03X}"),
                text("name", "Name in English.", sample="Currency {}"),
                integer("minor_units", "Digits after the decimal point in stated amounts."),
                local("country", "Country", "The country that issues it.", required=False),
            ),
            filters=("country",),
        ),
        Entity(
            name="UnitOfMeasure",
            plural="UnitsOfMeasure",
            table="unit_of_measure",
            description="A unit in which quantities are counted.",
            access=CURATED,
            fields=(
                text("code", "Code of UN/ECE Recommendation 20.", max_length=8, sample="U{:03d}"),
                text("name", "Name in English.", sample="Unit {}"),
            ),
        ),
        Entity(
            name="Product",
            plural="Products",
            table="product",
            description=PRODUCT.description,
            access=Access(create=STAFF, update=STAFF, delete=ADMINS),
            fields=(
                text("sku", "The company's own number of the product.", max_length=40, sample="SKU-{:05d}"),
                text("name", "Name as printed on documents.", sample="Product {}"),
                choice("kind", "What kind of thing it is.", PRODUCT_KIND),
                local("unit", "UnitOfMeasure", "The unit in which it is counted."),
                decimal("list_price", "Price before tax in the company's currency."),
                decimal("vat_rate", "Rate of value added tax in percent."),
                foreign("supplier", SUPPLIER, "The party from which it is usually bought.", required=False),
                boolean("active", "Whether it may be sold."),
            ),
            filters=("kind", "unit", "supplier"),
        ),
    ),
)
