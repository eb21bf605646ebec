"""What is to be seen of the clock on both interpreters; joined by `portable_checks`."""

from fakes import FakeKeep, Random
from time_peer import TimeNetwork, TimeServer, answer

from tidegate.clock import sntp
from tidegate.clock.anchor import ESTIMATED, RTC, SYNCED, Anchor
from tidegate.clock.civil import iso_text, utc_ms
from tidegate.clock.servers import TimeServers
from tidegate.limits import TICKS_MASK_MS
from tidegate.link.resolver import Resolver

TRUE_MS = 1_768_509_600_000
NONCE = b"\x01\x02\x03\x04\xf5\xf6\xf7\xf8"
QUESTION = bytes(40) + NONCE


class Asking:
    """TimeServers before servers of the tests. Arguments: the names, all of them numbers."""

    def __init__(self, *names, begin_ms=TICKS_MASK_MS - 9_000, seed=1):
        self.begin_ms, self.passed_ms = begin_ms, 0
        self.network = TimeNetwork(self.true_ms)
        for name in names:
            self.network.servers[name] = TimeServer()
        chance = Random(seed)
        self.asking = TimeServers(
            " ".join(names), self.network, Resolver(self.network, FakeKeep(), chance.below),
            chance.below, chance.data, begin_ms)
        self.expected_error_ms = None
        self.found = []

    def true_ms(self):
        return TRUE_MS + self.passed_ms

    def run(self, pass_ms):
        """Turn after turn, each as soon as there is something to do. Result: what was found, as
        (ms passed, error in ms)."""
        end_ms = self.passed_ms + pass_ms
        while self.passed_ms < end_ms:
            now_ms = (self.begin_ms + self.passed_ms) & TICKS_MASK_MS
            expected_ms = None
            if self.expected_error_ms is not None:
                expected_ms = self.true_ms() + self.expected_error_ms
            utc = self.asking.step(now_ms, expected_ms)
            if utc is not None:
                self.found.append((self.passed_ms, utc - self.true_ms()))
                self.expected_error_ms = utc - self.true_ms()
            self.passed_ms += max(1, min(self.asking.wait_ms(now_ms), 1_000))
        return self.found


def check_sntp_answers():
    asked = sntp.request(NONCE)
    assert len(asked) == 48 and asked[0] == 0x23 and asked[40:] == NONCE and not any(asked[1:40])
    for utc in (TRUE_MS, 2_085_978_495_999, 2_085_978_496_001, 2_147_483_648_000,
                4_102_444_799_999, 951_782_400_000):
        assert sntp.read(answer(QUESTION, utc, 7), NONCE) == (sntp.OK, utc, 7), utc
    for spoiled in (b"", answer(QUESTION, TRUE_MS)[:47], answer(QUESTION, TRUE_MS, first=0x23),
                    answer(QUESTION, TRUE_MS, first=0x25), answer(QUESTION, TRUE_MS, first=0x14),
                    answer(QUESTION, TRUE_MS, nonce=bytes(8)), bytes(48), b"\xff" * 48):
        assert sntp.read(spoiled, NONCE) is None
    for options, wrong in (
            ({"first": 0xE4}, sntp.UNFIT), ({"stratum": 16}, sntp.UNFIT),
            ({"root": (3 << 16, 0)}, sntp.UNFIT), ({"root": (0, 1 << 17)}, sntp.UNFIT),
            ({"root": (0xFFFF0000, 0)}, sntp.UNFIT), ({"root": (1 << 16, 1 << 14)}, sntp.OK),
            ({"stratum": 0, "name": b"RATE"}, sntp.RATE),
            ({"stratum": 0, "name": b"DENY"}, sntp.DENY),
            ({"stratum": 0, "name": b"RSTR"}, sntp.DENY),
            ({"stratum": 0, "name": b"INIT"}, sntp.UNFIT)):
        assert sntp.read(answer(QUESTION, TRUE_MS, **options), NONCE)[0] == wrong, options
    chance = Random(3)
    for _ in range(300):
        data = bytearray(answer(QUESTION, TRUE_MS))
        data[chance.below(48)] = chance.below(256)
        sntp.read(data, NONCE)


def check_time_servers():
    world = Asking("192.0.2.1")
    world.network.servers["192.0.2.1"].delay_ms = 800
    assert len(world.run(60_000)) == 1
    passed_ms, error_ms = world.found[0]
    assert passed_ms < 6_000 and abs(error_ms) <= 20
    assert len(world.run(86_400_000)) in (6, 7), "every four hours or so"
    assert world.network.open_count == 0
    questions = [each[1][40:] for each in world.network.servers["192.0.2.1"].questions]
    assert len(set(questions)) == len(questions)


def check_anchor():
    anchor = Anchor()
    assert anchor.offer(0, TRUE_MS - 4_000_000_000, RTC) and anchor.offer(1_000, TRUE_MS, SYNCED)
    assert (anchor.utc_zero_ms, anchor.step_count) == (TRUE_MS - 1_000, 1)
    for moved_ms, is_taken in ((500, False), (501, True), (-499, False), (5_000, False)):
        zero_ms = anchor.utc_zero_ms
        assert anchor.offer(2_000, zero_ms + moved_ms + 2_000, SYNCED) == is_taken, moved_ms
    assert not anchor.offer(9_000_000, 0, ESTIMATED) and anchor.step_count == 1
    zero_ms = anchor.utc_zero_ms
    assert anchor.offer(3_601_000, zero_ms + 3_601_000 - 5_000, SYNCED) and anchor.step_count == 2


def check_civil():
    for fields, utc in (
            ((1970, 1, 1, 0, 0, 0, 0), 0), ((2000, 1, 1, 0, 0, 0, 0), 946_684_800_000),
            ((2038, 1, 19, 3, 14, 8, 7), 2_147_483_648_007),
            ((2096, 2, 29, 12, 0, 0, 0), 3_981_355_200_000),
            ((2100, 3, 1, 0, 0, 0, 0), 4_107_542_400_000)):
        assert utc_ms(*fields) == utc, fields
        assert iso_text(utc) == "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % fields
    day_ms = 86_400_000
    for day in range(0, 146_097, 37):
        text = iso_text(day * day_ms)
        assert utc_ms(int(text[:4]), int(text[5:7]), int(text[8:10]), 0, 0, 0, 0) == day * day_ms


CHECKS = (check_sntp_answers, check_time_servers, check_anchor, check_civil)
