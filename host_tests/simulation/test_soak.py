"""The soak in short, and that it finds what is planted."""

import pytest
from simulation import soak
from simulation.world import LongWorld

from tidegate.diag import health
from tidegate.vitals import Vitals

SEED = 3


def quiet(text):
    """Nobody reads it."""


def lived(seed=SEED):
    found = soak.Soak(seed)
    found.live(1, 0, quiet)
    return found


def test_three_hours_of_everything_balance(monkeypatch):
    monkeypatch.setattr("simulation.world.DAY_MS", 10_800_000)
    monkeypatch.setattr(LongWorld, "rest_s_max", 600)
    found = lived()
    figures = {figure.name: figure.value for figure in found.figures()}
    assert found.breaches == []
    assert figures["outages and other faults"] > 15 and figures["boots"] > 4
    assert figures["observations"] > 200 and figures["cuts inside a program"] > 0


PLANTED = {"lost": "telemetry: at ", "altered": "telemetry: at ", "counter back": "went from",
           "crash forgotten": "crashes: 0 told"}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_defect_is_a_breach(planted, monkeypatch):
    monkeypatch.setattr("simulation.world.DAY_MS", 3_600_000)
    monkeypatch.setattr(LongWorld, "rest_s_max", 600)
    if planted == "counter back":
        monkeypatch.setattr(health.Health, "restore", lambda self, value: True)
    elif planted == "crash forgotten":
        monkeypatch.setattr("simulation.world.BOOT_FAULTS", ("crash",))
        monkeypatch.setattr("simulation.world.LINK_FAULTS", ("status",))
        monkeypatch.setattr(Vitals, "_tell_crash", lambda self, now_ms: self.boot.told())
    else:
        real = LongWorld.accepted

        def accepted(self, observation_id, value, at_ms):
            if observation_id == 710:
                if planted == "lost":
                    self.expected["telemetry"].append((1, at_ms, 710, 9))
                else:
                    value += 1
            return real(self, observation_id, value, at_ms)

        monkeypatch.setattr(LongWorld, "accepted", accepted)
    assert PLANTED[planted] in lived().breaches[0]


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 104))
def test_a_day_of_everything_balances(seed):
    assert lived(seed).breaches == []
