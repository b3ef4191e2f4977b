"""Each column of a FOCUS export has the type, the values and the nulls that FOCUS 1.2 gives it.

Source: the specification's rules as data, version 1.2.0.1, in the PyPI package focus-validator 2.2.1, read 2026-11-22.
"""

from __future__ import annotations

import csv
import json
import re
from decimal import Decimal

import pytest
from ledger.ledger_served import Ledger
from ledger.ledger_spans import CHAT, DAY, NOON, span, traces

from costspan.reports.export import export_token_usage

DECIMAL = re.compile(r"-?\d+\.\d+")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
TEXT = re.compile(r".*", re.DOTALL)
MANDATORY = {  # column: type
    "BilledCost": DECIMAL, "BillingAccountId": TEXT, "BillingAccountName": TEXT, "BillingCurrency": TEXT,
    "BillingPeriodEnd": MOMENT, "BillingPeriodStart": MOMENT, "ChargeCategory": TEXT, "ChargeClass": TEXT,
    "ChargeDescription": TEXT, "ChargePeriodEnd": MOMENT, "ChargePeriodStart": MOMENT, "ContractedCost": DECIMAL,
    "EffectiveCost": DECIMAL, "InvoiceIssuerName": TEXT, "ListCost": DECIMAL, "PricingQuantity": DECIMAL,
    "PricingUnit": TEXT, "ProviderName": TEXT, "PublisherName": TEXT, "ServiceCategory": TEXT, "ServiceName": TEXT,
}  # fmt: skip
OTHERS = {
    "ChargeFrequency": TEXT, "ConsumedQuantity": DECIMAL, "ConsumedUnit": TEXT, "ContractedUnitPrice": DECIMAL,
    "InvoiceId": TEXT, "PricingCategory": TEXT, "PricingCurrency": TEXT, "ResourceId": TEXT, "ResourceName": TEXT,
    "ResourceType": TEXT, "ServiceSubcategory": TEXT, "SkuId": TEXT, "SkuMeter": TEXT, "SkuPriceId": TEXT,
    "SubAccountId": TEXT, "SubAccountName": TEXT, "SubAccountType": TEXT, "Tags": TEXT,
}  # fmt: skip
NEVER_NULL = {
    "BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory",
    "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost", "EffectiveCost",
    "InvoiceIssuerName", "ListCost", "PricingCurrency", "ProviderName", "PublisherName", "ResourceId",
    "ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId",
}  # fmt: skip
TOGETHER = (  # null all, or none
    ("ConsumedQuantity", "ConsumedUnit", "PricingQuantity", "PricingUnit", "PricingCategory", "SkuPriceId"),
    ("ContractedUnitPrice", "SkuPriceId"),
    ("SubAccountId", "SubAccountName", "SubAccountType"),
    ("ResourceId", "ResourceName", "ResourceType"),
    ("SkuId", "SkuMeter"),
)
VALUES = {
    "ChargeCategory": {"Usage"},  # of Usage, Purchase, Tax, Credit, Adjustment
    "ChargeClass": {""},  # Correction, or null
    "ChargeFrequency": {"Usage-Based"},  # of One-Time, Recurring, Usage-Based
    "PricingCategory": {"Standard", ""},  # of Standard, Dynamic, Committed, Other
    "ServiceCategory": {"AI and Machine Learning"},
    "ServiceSubcategory": {"Generative AI"},  # whose parent that is
    "BillingCurrency": {"USD"},  # ISO 4217
    "PricingCurrency": {"USD"},
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Priced, discounted, unpriced, a whole dollar, of tools beside tokens, with a team and without, in two months."""
    folder = tmp_path_factory.mktemp("focus")
    made = Ledger(folder / "ledger.db")
    unpriced = {name: value for name, value in CHAT.items() if "cost" not in name and "price" not in name}
    for changes in (
        CHAT,
        CHAT | {"costspan.team": "search", "costspan.cost.list": 0.009},
        CHAT | {"gen_ai.usage.cost.amount": 1.0, "costspan.cost.input": 1.0, "costspan.cost.output": 0.0},
        CHAT | {"gen_ai.usage.cost.amount": 0.5},
        unpriced | {"gen_ai.response.model": "own-model-7", "gen_ai.request.model": "own-model-7"},
    ):
        made.send(traces(span(changes), span(changes, at=NOON - 25 * DAY)))
    made.close()
    export_token_usage(folder / "x.csv", format="focus", ledger=made.path, start_date="all")
    with (folder / "x.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_mandatory_columns_are_there_and_others_are_focus_s_or_begin_with_x(rows):
    assert set(MANDATORY) <= set(rows[0])
    assert {name for name in rows[0] if not name.startswith("x_")} == {*MANDATORY, *OTHERS}


@pytest.mark.parametrize("name", [*MANDATORY, *OTHERS])
def test_a_column_has_its_type_and_is_null_only_where_it_may_be(rows, name):
    kind = (MANDATORY | OTHERS)[name]
    for row in rows:
        assert kind.fullmatch(row[name]) or (row[name] == "" and name not in NEVER_NULL), row
        assert row[name] in VALUES.get(name, {row[name]})
    assert any(row[name] for row in rows) or name in ("BillingAccountName", "ChargeClass", "InvoiceId")


@pytest.mark.parametrize("names", TOGETHER)
def test_columns_that_belong_together_are_null_together(rows, names):
    for row in rows:
        assert len({row[name] == "" for name in names}) == 1, row


@pytest.mark.parametrize(
    ("listed", "costs"),
    [
        (0.001, {"amount": 0.000000000007, "input": 0.000000000003, "output": 0.000000000004}),
        (0.0045, {"amount": 0.0}),  # all of it is given
    ],
)
def test_list_costs_sum_to_the_list_price_of_the_calls(tmp_path, listed, costs):
    said = {"gen_ai.usage.cost.amount": costs["amount"], "costspan.cost.list": listed}
    parts = {f"costspan.cost.{part}": costs.get(part, 0.0) for part in ("input", "output")}
    made = Ledger(tmp_path / "ledger.db")
    made.send(traces(span(CHAT | said | parts)))
    made.close()
    export_token_usage(tmp_path / "x.csv", format="focus", ledger=made.path, start_date="all")

    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        assert sum(Decimal(row["ListCost"]) for row in csv.DictReader(file)) == Decimal(str(listed))


def test_periods_are_a_day_within_its_month(rows):
    assert {(row["BillingPeriodStart"], row["ChargePeriodStart"], row["BillingPeriodEnd"]) for row in rows} == {
        ("2026-10-01T00:00:00Z", "2026-10-27T00:00:00Z", "2026-11-01T00:00:00Z"),
        ("2026-11-01T00:00:00Z", "2026-11-21T00:00:00Z", "2026-12-01T00:00:00Z"),
    }


def test_costs_sum_to_the_ledgers_and_prices_times_quantities_to_costs(rows):
    assert sum(Decimal(row["BilledCost"]) for row in rows) == 2 * Decimal("1.509")
    assert sum(Decimal(row["ListCost"]) for row in rows) == 2 * Decimal("1.5135")
    for row in rows:
        if row["PricingQuantity"]:
            cost = Decimal(row["ContractedUnitPrice"]) * Decimal(row["PricingQuantity"])
            assert cost.quantize(Decimal("1e-12")) == Decimal(row["ContractedCost"])


def test_thoughts_are_output(tmp_path):
    made = Ledger(tmp_path / "ledger.db")
    made.send(traces(span(CHAT | {"gen_ai.usage.reasoning.output_tokens": 50})))
    made.close()
    export_token_usage(tmp_path / "x.csv", format="focus", ledger=made.path, start_date="all")

    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        tokens = {row["x_TokenType"]: row["x_Tokens"] for row in csv.DictReader(file)}
    assert tokens == {"input": "1000", "output": "200"}


def test_tags_are_json_and_what_is_not_priced_says_so(rows):
    assert all(isinstance(json.loads(row["Tags"]), dict) for row in rows)
    assert {row["x_PriceStatus"] for row in rows if row["ResourceId"] == "own-model-7"} == {"unpriced"}
    of_a_price = ("PricingQuantity", "PricingCategory", "PricingUnit", "SkuPriceId", "ContractedUnitPrice")
    assert {row[name] for row in rows if row["x_PriceStatus"] == "unpriced" for name in of_a_price} == {""}
