"""From a sample to the spool: what is refused, where the rest goes, and that all is counted."""

import pytest
from sampling import DRIFT, LABEL, RARE, SIGNED, STATE, VOLTS, Device

from tidegate.errors import CatalogueError
from tidegate.observe.catalogue import NUMBER, OPAQUE, RECORDS, ROWS, TELEMETRY, TEXT, Catalogue

WRONG = [
    (STATE, -1),
    (STATE, 10),
    (STATE, True),
    (STATE, False),
    (STATE, 1.0),
    (STATE, float("nan")),
    (STATE, float("inf")),
    (STATE, "1"),
    (STATE, b"1"),
    (STATE, None),
    (VOLTS, 41),
    (VOLTS, -41),
    (RARE, 1 << 64),
    (LABEL, ""),
    (LABEL, "abcde"),
    (LABEL, "æøå"),
    (LABEL, b"abc"),
    (LABEL, 5),
    (LABEL, None),
    (SIGNED, b"abcd"),
    (SIGNED, "abc"),
    (SIGNED, 3),
    (SIGNED, [1, 2]),
    (4_000, 1),
    (0, 1),
    (-5, 1),
]


@pytest.mark.parametrize("observation_id, value", WRONG, ids=repr)
def test_a_wrong_sample_is_refused_and_named_and_nothing_is_raised(observation_id, value):
    device = Device()
    device.turn(0)
    assert device.offer(observation_id, value) == "refused"
    assert device.counters.refused_id == observation_id


@pytest.mark.parametrize("observation_id, value", WRONG[:6], ids=repr)
def test_a_refused_sample_leaves_the_comparator_alone(observation_id, value):
    device = Device()
    device.turn(0)
    device.offer(STATE, 1)
    device.offer(observation_id, value)
    assert device.offer(STATE, 1) == "unchanged"


def test_what_is_recorded_goes_to_its_log_under_its_kind_at_the_time_of_the_turn():
    device = Device()
    device.turn(5_000)
    world = ((STATE, 3), (LABEL, "é"), (SIGNED, bytearray(b"\x00\xff")), (RARE, (1 << 64) - 1))
    for observation_id, value in world:
        device.offer(observation_id, value)
    assert device.durable == [
        (TELEMETRY, NUMBER, STATE, 3, 5_000),
        (TELEMETRY, TEXT, LABEL, "é", 5_000),
        (RECORDS, OPAQUE, SIGNED, b"\x00\xff", 5_000),
        (RECORDS, NUMBER, RARE, (1 << 64) - 1, 5_000),
    ]


def test_every_sample_is_counted_under_exactly_one_heading():
    device = Device()
    device.turn(0)
    for value in (0, 0, 3, 9, 99, "x"):
        device.offer(VOLTS, value)
    device.is_full = True
    device.offer(VOLTS, 20)
    device.offer(DRIFT, 0)
    counters = device.counters
    assert (counters.sampled, counters.recorded, counters.unchanged) == (8, 2, 1)
    assert (counters.within_bound, counters.refused, counters.full) == (1, 2, 2)


def row(**changes):
    """A sound row with some columns changed."""
    names = "id name kind unit decimals log policy bound zero settle heartbeat hold low high"
    values = dict(zip(names.split(), (7, "X", 0, "", 0, 0, 0, 0, 0, 0, 0, 0, 0, 9), strict=True))
    return tuple({**values, **changes}.values())


@pytest.mark.parametrize(
    "rows",
    [
        (row(), row(name="Y")),
        (row(), row(id=8)),
        (row(id=0),),
        (row(id=4_096),),
        (row(low=10),),
        (row(kind=3),),
        (row(log=2),),
        (row(policy=3),),
        (row(bound=1),),
        (row(policy=1),),
        (row(policy=2, bound=-1),),
        (row(kind=1, policy=1, bound=1),),
        (row(heartbeat=-1),),
        (row(settle=-1),),
        (row()[:-1],),
        tuple(row(id=number, name=str(number)) for number in range(1, 66)),
    ],
    ids=lambda rows: str(len(rows)),
)
def test_a_catalogue_that_contradicts_itself_is_refused(rows):
    Catalogue((row(),))
    with pytest.raises(CatalogueError):
        Catalogue(rows)


def test_records_hold_what_must_never_give_way():
    by_name = {each[1]: each for each in ROWS}
    for name in ("SignedMeterValue", "CompletedSession", "TamperCover"):
        assert by_name[name][5] == RECORDS
