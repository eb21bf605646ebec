"""The catalogue: a row that contradicts itself or another is refused; values are judged by it."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from tidegate.errors import CatalogueError
from tidegate.limits import (
    BITS64_MAX,
    OBSERVATION_COUNT_MAX,
    OBSERVATION_ID_MAX,
    OPAQUE_BYTES_MAX,
    TEXT_BYTES_MAX,
)
from tidegate.observe import catalogue
from tidegate.observe.catalogue import Catalogue, is_valid

SHARED_TABLE = Path(__file__).resolve().parents[3] / "shared" / "catalogue.csv"
NUMBER_ROW = (501, "VoltagePhase1", 0, "V", 3, 0, 1, 2_000, 5_000, 5, 3_600, 0, -10, 500_000)
TEXT_ROW = (721, "SessionIdentifier", 1, "", 0, 0, 0, 0, 0, 0, 0, 0, 2, 64)
OPAQUE_ROW = (554, "SignedMeterValue", 2, "", 0, 1, 0, 0, 0, 0, 0, 0, 1, OPAQUE_BYTES_MAX)


def changed(row, **values):
    """The row with some columns replaced, by the names of `observe.catalogue`."""
    row = list(row)
    for name, value in values.items():
        row[getattr(catalogue, name)] = value
    return tuple(row)


def test_the_rows_these_tests_change_are_good():
    table = Catalogue((NUMBER_ROW, TEXT_ROW, OPAQUE_ROW))
    assert [table.index(row[0]) for row in (NUMBER_ROW, TEXT_ROW, OPAQUE_ROW)] == [0, 1, 2]


@pytest.mark.parametrize(
    "row, words",
    [
        (NUMBER_ROW[:-1], "columns"),
        (NUMBER_ROW + (0,), "columns"),
        (changed(NUMBER_ROW, ID=0), "id is not in"),
        (changed(NUMBER_ROW, ID=-501), "id is not in"),
        (changed(NUMBER_ROW, ID=OBSERVATION_ID_MAX + 1), "id is not in"),
        (changed(NUMBER_ROW, MIN=500_001), "minimum"),
        (changed(TEXT_ROW, MAX=1), "minimum"),
        (changed(NUMBER_ROW, KIND=3), "kind"),
        (changed(NUMBER_ROW, KIND=-1), "kind"),
        (changed(NUMBER_ROW, LOG=2), "log"),
        (changed(NUMBER_ROW, POLICY=3), "policy"),
        (changed(NUMBER_ROW, POLICY=0), "exact has none"),
        (changed(NUMBER_ROW, BOUND=0), "above 0"),
        (changed(NUMBER_ROW, BOUND=-1), "above 0"),
        (changed(NUMBER_ROW, POLICY=2, BOUND=0), "above 0"),
        (changed(TEXT_ROW, POLICY=1, BOUND=1), "only numbers"),
        (changed(OPAQUE_ROW, POLICY=2, BOUND=1), "only numbers"),
        (changed(NUMBER_ROW, ZERO_BAND=-1), "negative"),
        (changed(NUMBER_ROW, SETTLE_S=-1), "negative"),
        (changed(NUMBER_ROW, HEARTBEAT_S=-1), "negative"),
        (changed(NUMBER_ROW, MAX_HOLD_S=-1), "negative"),
    ],
)
def test_a_wrong_row_is_refused_with_its_id_and_the_reason(row, words):
    with pytest.raises(CatalogueError, match=words) as caught:
        Catalogue((TEXT_ROW, row))
    assert str(row[0]) in str(caught.value)


@pytest.mark.parametrize("name, number", [("Other", 501), ("VoltagePhase1", 722)])
def test_an_id_or_a_name_that_stands_twice_is_refused(name, number):
    with pytest.raises(CatalogueError, match="stands twice"):
        Catalogue((NUMBER_ROW, TEXT_ROW, changed(TEXT_ROW, ID=number, NAME=name)))


def test_more_rows_than_the_limit_are_refused():
    rows = [changed(TEXT_ROW, ID=n + 1, NAME=f"n{n}") for n in range(OBSERVATION_COUNT_MAX + 1)]
    assert Catalogue(rows[:-1]).index(OBSERVATION_COUNT_MAX) == OBSERVATION_COUNT_MAX - 1
    with pytest.raises(CatalogueError, match="65 rows, at most 64"):
        Catalogue(rows)


def test_the_product_s_own_table_is_good_and_every_id_is_found():
    table = Catalogue()
    for index, row in enumerate(table.rows):
        assert table.index(row[catalogue.ID]) == index
    assert table.index(1) == table.index(0) == table.index(OBSERVATION_ID_MAX) == -1


def test_security_events_sessions_and_signed_values_go_to_the_records():
    table = Catalogue()
    records = {row[catalogue.ID] for row in table.rows if row[catalogue.LOG] == catalogue.RECORDS}
    assert records >= {280, 554, 723}
    assert not records & {501, 507, 513, 553}


@pytest.mark.parametrize(
    "row, value, expected",
    [
        (NUMBER_ROW, -10, True),
        (NUMBER_ROW, -11, False),
        (NUMBER_ROW, 500_000, True),
        (NUMBER_ROW, 500_001, False),
        (NUMBER_ROW, True, False),
        (NUMBER_ROW, 230.0, False),
        (NUMBER_ROW, float("nan"), False),
        (NUMBER_ROW, "230", False),
        (NUMBER_ROW, None, False),
        (NUMBER_ROW, b"1", False),
        (changed(NUMBER_ROW, MAX=BITS64_MAX), BITS64_MAX, True),
        (changed(NUMBER_ROW, MAX=BITS64_MAX), BITS64_MAX + 1, False),
        (TEXT_ROW, "ab", True),
        (TEXT_ROW, "a", False),
        (TEXT_ROW, "\u00e9", True),
        (TEXT_ROW, "\u00e9" * 32, True),
        (TEXT_ROW, "\u00e9" * 32 + "a", False),
        (TEXT_ROW, b"ab", False),
        (TEXT_ROW, 12, False),
        (OPAQUE_ROW, b"x", True),
        (OPAQUE_ROW, bytearray(b"x"), True),
        (OPAQUE_ROW, b"", False),
        (OPAQUE_ROW, bytes(OPAQUE_BYTES_MAX), True),
        (OPAQUE_ROW, bytes(OPAQUE_BYTES_MAX + 1), False),
        (OPAQUE_ROW, "x", False),
        (OPAQUE_ROW, None, False),
    ],
)
def test_a_value_is_valid_by_type_and_range(row, value, expected):
    assert is_valid(row, value) is expected


def test_no_text_or_opaque_value_outgrows_its_limit():
    limits = {catalogue.TEXT: TEXT_BYTES_MAX, catalogue.OPAQUE: OPAQUE_BYTES_MAX}
    for row in Catalogue().rows:
        if row[catalogue.KIND] != catalogue.NUMBER:
            assert 0 <= row[catalogue.MIN] and row[catalogue.MAX] <= limits[row[catalogue.KIND]]


@pytest.mark.skipif(not SHARED_TABLE.exists(), reason="no ../shared/catalogue.csv beside this")
def test_the_product_s_table_agrees_with_the_shared_one():
    kinds = {"text": 1, "json": 1, "opaque": 2}
    policies = {"exact": 0, "deadband": 1, "trend": 2}
    table = Catalogue()
    with SHARED_TABLE.open() as file:
        shared = list(csv.DictReader(file))
    # Behind it stand the product's own.
    own = [row[catalogue.ID] for row in table.rows[len(shared) :]]
    assert all(observation_id >= 4_000 for observation_id in own)
    assert [int(row["id"]) for row in shared] == [
        row[catalogue.ID] for row in table.rows[: len(shared)]
    ]
    for expected, row in zip(shared, table.rows):
        scale = 10 ** int(expected["decimals"])
        assert row[: catalogue.BOUND + 1] == (
            int(expected["id"]),
            expected["name"],
            kinds.get(expected["type"], 0),
            expected["unit"],
            int(expected["decimals"]),
            catalogue.LOG_NAMES.index(expected["log"]),
            policies[expected["policy"]],
            int(Decimal(expected["bound"] or 0) * scale),
        )
        assert row[catalogue.ZERO_BAND] == int(Decimal(expected["zero_band"] or 0) * scale)
        for name in ("settle_s", "heartbeat_s", "max_hold_s"):
            assert row[getattr(catalogue, name.upper())] == int(expected[name] or 0)
