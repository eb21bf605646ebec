"""The simulated charger: physics that add up, records that are due, one world for one seed."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.errors import SourceError
from tidegate.observe.catalogue import Catalogue, is_valid
from tidegate.sources.charging import SESSION_S_MAX, WARM, Session, Warmth, remaining
from tidegate.sources.meter_records import completed_session, date_text
from tidegate.sources.randomness import fold, noise, spread, wander
from tidegate.sources.simulated import CATCH_UP_S_MAX, SimulatedSource

EACH_SECOND = {
    201, 202, 204, 205, 206, 207, 501, 502, 503, 507, 508, 509, 513, 515, 516, 553, 702, 708,
    710, 809, 820,
}  # fmt: skip
PLUG_S, UNPLUG_S = 60, 2_000


def run(source, first_s, last_s):
    """[[(id, value)]] of each second from first_s to last_s."""
    turns = []
    for second in range(first_s, last_s + 1):
        turns.append([])
        source.step(second * 1_000, lambda *sample, turn=turns[-1]: turn.append(sample))
    return turns


def numbers(turn):
    return {name: value for name, value in turn if isinstance(value, int)}


@pytest.fixture(scope="module", params=[1, 2, 77_000_000_001])
def world(request):
    """The turns of one session and the time around it, by seed."""
    return run(SimulatedSource(request.param, PLUG_S, UNPLUG_S), 0, UNPLUG_S + 200)


def column(world, name):
    return [numbers(turn)[name] for turn in world]


def signed(world):
    """[(second, readings)] of all signed meter values."""
    found = []
    for second, turn in enumerate(world):
        for name, value in turn:
            if name == 554:
                found.append((second, json.loads(value.split(b"|")[1])))
    return found


# What a turn holds.


def test_every_second_gives_the_measured_ids(world):
    for turn in world:
        assert set(dict(turn)) >= EACH_SECOND


def test_a_second_without_an_event_gives_20_to_25_samples_each_id_once(world):
    counts = [len(turn) for turn in world]
    assert 20 <= min(counts) and sorted(counts)[len(counts) * 99 // 100] <= 25
    for turn in world:
        names = [name for name, value in turn if not isinstance(value, bytes)]
        assert len(names) == len(set(names))


def test_every_value_is_valid_under_the_catalogue(world):
    catalogue = Catalogue()
    for turn in world:
        for name, value in turn:
            assert is_valid(catalogue.rows[catalogue.index(name)], value), (name, value)


@settings(max_examples=60)
@given(
    st.integers(0, 2**64),
    st.integers(0, 2**32 - 21),
    st.integers(1, 10_000),
    st.integers(0, 900),
)
def test_every_value_is_valid_for_any_seed_and_at_any_moment(seed, second, plug_s, pause_s):
    catalogue = Catalogue()
    source = SimulatedSource(seed, plug_s, plug_s + 60, plug_s + 61 + pause_s)
    for turn in run(source, second, second + 20):
        for name, value in turn:
            assert is_valid(catalogue.rows[catalogue.index(name)], value), (name, value)


def test_the_start_up_set_comes_once_after_the_start(world):
    for name in (811, 815, 908, 911):
        assert [second for second, turn in enumerate(world) if name in dict(turn)] == [0]


# The session.


def test_the_modes_follow_the_plug(world):
    modes = column(world, 710)
    assert modes[PLUG_S - 1] == 1 and modes[PLUG_S] == 2
    assert modes[UNPLUG_S - 1] == 5 and modes[UNPLUG_S] == 1
    order = [mode for index, mode in enumerate(modes) if not index or modes[index - 1] != mode]
    assert order == [1, 2, 3, 5, 1]
    assert 4 <= modes.count(2) <= 8


def test_cable_and_session_identifier_come_and_go_with_the_plug(world):
    events = [
        (second, value)
        for second, turn in enumerate(world)
        for name, value in turn
        if name in (714, 721)
    ]
    assert [second for second, _ in events] == [0, 0, PLUG_S, PLUG_S, UNPLUG_S, UNPLUG_S]
    cables, texts = [v for _, v in events[::2]], [v for _, v in events[1::2]]
    assert cables == [0, 3, 0]
    assert texts[0] == texts[2] == "" and len(texts[1]) == 36


def test_the_current_is_allocated_from_plug_to_finish(world):
    for mode, allocated in zip(column(world, 710), column(world, 708)):
        assert allocated == (16_000 if mode in (2, 3) else 0)


def test_charging_ramps_up_to_16_a_on_three_phases_and_tapers_at_the_end(world):
    modes = column(world, 710)
    begin, end = modes.index(3), modes.index(5)
    for name in (507, 508, 509):
        currents = column(world, name)
        assert currents[begin] == 0
        assert 15_500 <= max(currents) <= 16_100
        assert all(
            -100 < b - a < 1_200
            for a, b in zip(currents[begin:], currents[begin + 1 : begin + 18])
        )
        assert 5_500 < currents[end - 1] < 6_500
        assert currents[end] < 800


def test_voltages_sag_while_the_car_draws_current(world):
    modes = column(world, 710)
    currents = column(world, 507)
    for name in (501, 502, 503):
        voltages = column(world, name)
        unloaded = [u for u, i, mode in zip(voltages, currents, modes) if mode == 3 and i < 500]
        loaded = [u for u, i, mode in zip(voltages, currents, modes) if mode == 3 and i > 15_000]
        assert all(220_000 < u < 240_000 for u in unloaded + loaded)
        sag = sum(unloaded) // len(unloaded) - sum(loaded) // len(loaded)
        assert 1_500 < sag < 5_000


def test_an_open_contactor_shows_only_the_noise_of_the_meter(world):
    for turn in world:
        values = numbers(turn)
        if values[710] != 3:
            assert all(250 <= values[name] <= 4_000 for name in (501, 502, 503))
            assert all(0 <= values[name] <= 700 for name in (507, 508, 509))
            assert 0 <= values[513] < 10


def test_power_is_the_sum_of_voltage_times_current(world):
    for turn in world:
        values = numbers(turn)
        power_uw = sum(values[501 + phase] * values[507 + phase] for phase in range(3))
        assert abs(values[513] - power_uw / 1_000_000) <= 12


def test_energy_is_the_integral_of_power_within_one_percent(world):
    modes = column(world, 710)
    powers = column(world, 513)
    energies = column(world, 553)
    charged_ws = sum(power for power, mode in zip(powers, modes) if mode == 3)
    assert energies[-1] > 5_000
    assert abs(energies[-1] * 3_600 - charged_ws) * 100 < charged_ws
    half = (modes.index(3) + modes.index(5)) // 2
    charged_ws = sum(powers[modes.index(3) : half])
    assert abs(energies[half] * 3_600 - charged_ws) * 100 < charged_ws


def test_session_energy_never_falls_within_a_session(world):
    energies = column(world, 553)
    assert energies == sorted(energies)
    assert energies[: PLUG_S + 5] == [0] * (PLUG_S + 5)


def test_session_energy_is_kept_after_a_session_and_reset_by_the_next_plug():
    world = run(SimulatedSource(5, 30, 200, 300), 0, 900)
    energies = column(world, 553)
    total = energies[250]
    assert total > 100
    falls = [second for second in range(1, 901) if energies[second] < energies[second - 1]]
    assert falls == [330, 630]
    assert energies[329] == energies[629] == energies[899] == total
    assert energies[330] == 0


def test_counters_never_fall(world):
    for name in (813, 820, 822):
        counts = column(world, name)
        assert counts == sorted(counts) and counts[-1] > counts[0]


def test_temperatures_rise_while_charging_and_fall_afterwards(world):
    modes = column(world, 710)
    for name in (201, 202, 204, 205, 206, 207):
        temperatures = column(world, name)
        assert temperatures[modes.index(5)] > temperatures[PLUG_S] + 100
        assert temperatures[-1] < temperatures[modes.index(5)] - 10
        assert all(abs(b - a) <= 3 for a, b in zip(temperatures, temperatures[1:]))


# Records.


def test_signed_values_are_due_at_start_and_end_and_each_quarter_hour(world):
    modes = column(world, 710)
    seconds = [second for second, _ in signed(world)]
    assert seconds == sorted([900, 1_800, modes.index(3), modes.index(5)])


def test_a_signed_value_is_ocmf_of_about_700_bytes(world):
    values = [value for turn in world for name, value in turn if name == 554]
    for value in values:
        assert 650 <= len(value) <= 800
        mark, payload, signature = value.split(b"|")
        assert mark == b"OCMF"
        assert json.loads(payload)["RD"][0]["RU"] == "kWh"
        assert len(json.loads(signature)["SD"]) == 208
        bytes.fromhex(json.loads(signature)["SD"])
    assert len({value.split(b"|")[2] for value in values}) == len(values)


def test_signed_values_are_numbered_without_a_hole_even_where_two_are_due_at_once():
    found = False
    for seed in range(8):
        world = run(SimulatedSource(seed, 895, 1_820, 2_000), 0, 6_000)
        values = signed(world)
        pages = [int(payload["PG"][1:]) for _, payload in values]
        assert pages == list(range(1, len(pages) + 1))
        found = found or len({second for second, _ in values}) < len(values)
    assert found, "no seed began to charge on the quarter hour"


def test_signed_readings_agree_with_the_session_energy(world):
    energies = column(world, 553)
    readings = [
        (energies[second], payload["RD"][0]["TX"], round(payload["RD"][0]["RV"] * 1_000))
        for second, payload in signed(world)
    ]
    register_wh = readings[0][2] - readings[0][0]
    assert all(reading == register_wh + energy for energy, _, reading in readings)
    assert [kind for _, kind, _ in readings] == ["B", "C", "C", "E"]


def test_a_completed_session_comes_once_at_unplug_and_agrees_with_what_was_measured(world):
    found = [
        (second, value) for second, turn in enumerate(world) for name, value in turn if name == 723
    ]
    assert [second for second, _ in found] == [UNPLUG_S]
    record = json.loads(found[0][1])
    assert round(record["EnergyKwh"] * 1_000) == column(world, 553)[-1]
    assert record["Id"] == dict(world[PLUG_S])[721]
    assert record["Begin"] == date_text(column(world, 710).index(3))


def test_the_meter_runs_on_from_session_to_session():
    world = run(SimulatedSource(5, 30, 200, 300), 0, 900)
    values = [json.loads(v) for turn in world for name, v in turn if name == 723]
    assert len(values) == 3 and len({value["Id"] for value in values}) == 3
    for before, after in zip(values, values[1:]):
        assert before["MeterEndKwh"] == after["MeterBeginKwh"] > before["MeterBeginKwh"]
    readings = [payload["RD"][0] for _, payload in signed(world)]
    for kind, member in (("B", "MeterBeginKwh"), ("E", "MeterEndKwh")):
        assert [reading["RV"] for reading in readings if reading["TX"] == kind] == [
            value[member] for value in values
        ]


def test_the_record_of_a_very_long_session_stays_within_2_kib():
    session = Session(60, 2_000_000, 8, lambda current_ma: current_ma * 690 // 1_000)
    record = completed_session(65_535, 123_456, 2**33, session, 2**40)
    assert 900 < len(record) <= 2_048
    assert len(json.loads(record)["QuartersWh"]) == 96


@given(st.integers(0, 250_000_000_000))
def test_date_text_is_the_date_of_the_calendar(second):
    expected = datetime(1970, 1, 1) + timedelta(seconds=second)
    assert date_text(second) == expected.isoformat()


# One world for one seed.


@pytest.mark.parametrize("period_s", [0, 2_300])
@pytest.mark.parametrize("restart_s", [0, 59, 60, 66, 900, 1_979, 2_000, 2_299, 2_365, 4_100])
def test_a_source_started_later_is_in_the_same_world(restart_s, period_s):
    arguments = (9, PLUG_S, UNPLUG_S, period_s)
    through = run(SimulatedSource(*arguments), 0, restart_s + 250)[restart_s + 1 :]
    later = run(SimulatedSource(*arguments), restart_s, restart_s + 250)[1:]
    assert later == through


def test_other_seeds_are_other_worlds():
    worlds = [run(SimulatedSource(seed, 60, 700), 0, 100) for seed in range(6)]
    for a in range(6):
        for b in range(a):
            assert worlds[a] != worlds[b]


def test_milliseconds_within_a_second_change_nothing():
    a, b = [], []
    SimulatedSource(3, 60, 700).step(100_000, lambda *sample: a.append(sample))
    SimulatedSource(3, 60, 700).step(100_999, lambda *sample: b.append(sample))
    assert a == b


def test_the_first_step_gives_no_past_record():
    turn = run(SimulatedSource(1, 60, 700), 700, 700)[0]
    assert not {554, 723} & set(dict(turn))


def test_records_of_skipped_seconds_are_caught_up_while_running():
    source = SimulatedSource(1, 60, 700)
    source.step(600_000, lambda *sample: None)
    caught = []
    source.step(905_000, lambda *sample: caught.append(sample))
    names = [name for name, value in caught]
    assert names.count(554) == 2 and names.count(723) == 1
    assert names.count(501) == 1


def test_a_jump_beyond_the_catch_up_is_a_new_start():
    source = SimulatedSource(1, 60, 700)
    source.step(10_000, lambda *sample: None)
    caught = []
    source.step((11 + CATCH_UP_S_MAX) * 1_000, lambda *sample: caught.append(sample))
    assert not {554, 723, 811} & {name for name, value in caught}


def test_time_that_goes_back_or_starts_below_zero_is_borne():
    source = SimulatedSource(1, 60, 700)
    for elapsed_ms in (-5_000, 701_000, 699_000, 699_000, 0):
        turn = []
        source.step(elapsed_ms, lambda *sample, turn=turn: turn.append(sample))
        assert EACH_SECOND <= set(dict(turn))
        assert 723 not in dict(turn) or elapsed_ms == 701_000


def test_a_long_elapsed_time_costs_no_more_than_a_short_one():
    source = SimulatedSource(1, 60, 700, 800)
    turn = run(source, 1_700_000_000, 1_700_000_001)[1]
    assert numbers(turn)[820] == 1_700_000_001


def test_the_longest_session_keeps_its_energy_within_the_catalogue():
    row = Catalogue().rows[Catalogue().index(553)]
    for seed in range(20):
        source = SimulatedSource(seed, 1, 1 + SESSION_S_MAX)
        energy_wh = numbers(run(source, 1 + SESSION_S_MAX, 1 + SESSION_S_MAX)[0])[553]
        assert energy_wh > 850_000 and is_valid(row, energy_wh)


@pytest.mark.parametrize(
    "arguments, name",
    [
        ((-1, 60, 700), "seed"),
        (("1", 60, 700), "seed"),
        ((True, 60, 700), "seed"),
        ((1, 0, 700), "plug_s"),
        ((1, 60.0, 700), "plug_s"),
        ((1, 60, 119), "unplug_s"),
        ((1, 60, None), "unplug_s"),
        ((1, 60, 61 + SESSION_S_MAX), "unplug_s"),
        ((1, 60, 700, 700), "period_s"),
        ((1, 60, 700, -1), "period_s"),
    ],
)
def test_an_argument_that_makes_no_world_is_refused_by_name(arguments, name):
    with pytest.raises(SourceError, match=name):
        SimulatedSource(*arguments)


# Arithmetic.


class Small(int):
    """An integer whose results must fit the small integers of a 32-bit board."""


def _checked(operation):
    def apply(*operands):
        result = getattr(int, operation)(*operands)
        if result is NotImplemented:
            return result
        assert -(2**30) <= result < 2**30, f"{operation} of {operands} leaves 31 bits: {result}"
        return Small(result)

    return apply


for _name in ("add", "sub", "mul", "floordiv", "mod", "and", "or", "xor", "rshift", "lshift"):
    setattr(Small, f"__{_name}__", _checked(f"__{_name}__"))
    setattr(Small, f"__r{_name}__", _checked(f"__r{_name}__"))
for _name in ("__neg__", "__abs__"):
    setattr(Small, _name, _checked(_name))


@pytest.mark.parametrize("seed", [0, 1, 65_535, 987_654_321])
def test_no_number_of_a_step_outgrows_a_small_integer(seed):
    source = SimulatedSource(Small(seed), Small(60), Small(86_000), Small(90_000))
    seconds = [*range(0, 130), *range(42_000, 42_040), *range(85_600, 86_100), 180_100, 1_073_000]
    taken = 0
    for second in seconds:
        turn = []
        source.step(Small(second * 1_000), lambda *sample, turn=turn: turn.append(sample))
        taken += len(turn)
    assert taken > 20 * len(seconds)


def test_noise_is_spread_evenly_and_neighbours_know_nothing_of_each_other():
    for seed in (0, 1, 40_000):
        drawn = [noise(seed, 8, moment) for moment in range(16_384)]
        assert abs(sum(drawn) // len(drawn) - 32_768) < 1_000
        quarters = [sum(1 for number in drawn if number >> 14 == q) for q in range(4)]
        assert all(3_800 < count < 4_400 for count in quarters)
        for other in (
            drawn[1:],
            [noise(seed, 9, m) for m in range(16_384)],
            [noise(seed + 1, 8, m) for m in range(16_384)],
        ):
            products = sum((a - 32_768) * (b - 32_768) for a, b in zip(drawn, other))
            assert abs(products // 16_384) < 18_918**2 // 25


@given(
    st.integers(0, 65_535),
    st.integers(0, 1_023),
    st.integers(0, 2**40),
    st.integers(0, 12),
    st.integers(0, 8_000),
)
def test_spread_and_wander_stay_within_their_reach(seed, channel, moment, shift, reach):
    assert -reach <= spread(seed, channel, moment, reach) <= reach
    here = wander(seed, channel, moment, shift, reach)
    assert -reach <= here <= reach
    there = wander(seed, channel, moment + 1, shift, reach)
    assert abs(there - here) <= (2 * reach >> shift) + 1


@given(st.integers(0, 2**80))
def test_a_seed_of_any_size_folds_to_16_bits(seed):
    assert 0 <= fold(seed) < 2**16
    assert fold(fold(seed)) == fold(seed)


@given(st.integers(0, 20_000), st.integers(1, 2_000))
def test_remaining_is_a_power_of_one_half_within_half_a_percent(second, half_s):
    # The formula is within 0.34 %; a halving is rounded to 256ths, which adds 0.14 %.
    expected = WARM * 2.0 ** -(second / half_s)
    assert abs(remaining(second, half_s) - expected) <= expected * 0.005 + 1.5


@pytest.mark.parametrize("half_s", [1, 7, 240, 600])
def test_remaining_never_rises(half_s):
    values = [remaining(second, half_s) for second in range(20 * half_s)]
    assert values[0] == WARM and values[-1] == 0
    assert values == sorted(values, reverse=True)


def test_a_part_begins_each_period_as_warm_as_the_last_one_left_it():
    session = Session(60, 700, 5, lambda current_ma: current_ma)
    warmth = Warmth(600, session, 800)
    assert warmth.at(0) > WARM // 10
    assert abs(warmth.at(800) - warmth.at(0)) <= 1
    assert Warmth(600, session, 0).at(0) == 0
