"""Any sequence of samples, answers, clocks that lie and reboots: dates keep their bounds."""

from dating_world import BOOT, DRIFT_PPM, ECHO, PASS, SAMPLE, SYNC, DatingWorld
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.integers(0, 999)
# Most boots know nothing or are told once, so that some lie between others that know.
FIRST = st.sampled_from([PASS, PASS, PASS, SYNC, SYNC, ECHO])
BOOTS = st.lists(
    st.tuples(
        st.tuples(FIRST, NUMBERS),
        st.tuples(st.just(PASS), NUMBERS),
        st.tuples(st.just(SAMPLE), NUMBERS),
        st.lists(st.tuples(st.integers(0, 7), NUMBERS), max_size=4),
        st.tuples(st.just(BOOT), NUMBERS),
    ),
    max_size=6,
)


@given(boots=BOOTS, last=st.integers(0, 7), drift_ppm=st.integers(-DRIFT_PPM, DRIFT_PPM))
def test_each_date_is_within_the_bound_that_its_mark_gives_and_order_is_that_of_taking(
    boots, last, drift_ppm
):
    world = DatingWorld(drift_ppm)
    for first, passed, sampled, others, away in boots:
        for what, number in (first, passed, sampled, *others, away):
            world.do(what, number)
    world.do(last, 500)
    world.read()
