"""The agent on the real MicroPython with TLS to a real mosquitto."""

import pytest
from peer_world import PeerWorld, lost, play

from tidegate_tools.broker import HOST, Broker, find_mosquitto, free_port

pytestmark = [pytest.mark.interop, pytest.mark.micropython]
SPEED = 20
PATIENCE_S = 20
# Started by root it would become another user, who may not read the keys; else it is not heeded.
LISTENER = """
user root
listener {port} {host}
cafile {ca}
certfile {certificate}
keyfile {key}
require_certificate {is_mutual}
"""


class TlsWorld(PeerWorld):
    """As PeerWorld, but the agent goes straight to a second listener of the broker."""

    def __init__(self, folder, is_mutual):
        super().__init__(folder, SPEED, True, "mosquitto")
        self.tls_port = free_port()
        certificate, key = self.authority.server_files()
        self.broker = Broker("mosquitto", folder, LISTENER.format(
            port=self.tls_port, host=HOST, ca=self.authority.ca_pem_path, certificate=certificate,
            key=key, is_mutual=str(is_mutual).lower()))
        self.shown = {}

    def _settings(self):
        settings = super()._settings()
        settings["agent"].update(port=self.tls_port, **self.shown)
        return settings


@pytest.fixture(autouse=True)
def mosquitto():
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")


@pytest.mark.parametrize("is_mutual", [False, True], ids=["tls", "mutual"])
def test_everything_arrives_over_tls_through_a_restart_of_the_broker(tmp_path, is_mutual):
    world = TlsWorld(tmp_path, is_mutual)
    if is_mutual:
        certificate, key = world.authority.device("tg-000001")
        world.shown = {"tls_certificate": certificate, "tls_key": key}

    async def scene(world):
        await world.hear("session up", PATIENCE_S, pokes=True)
        world.mark()
        world.broker.kill()
        await world.hear("session lost", PATIENCE_S)
        await world.broker.start()
        await world.hear("session up", PATIENCE_S, pokes=True)
        assert (await world.report())["failed"] == 0
        return await world.settle()

    ledger = play(world, scene)
    assert not lost(ledger), ledger.verdict()
    assert ledger.total("expected") > 20


def test_a_broker_that_wants_a_certificate_and_gets_none_is_named(tmp_path):
    async def scene(world):
        await world.hear("cause=own-certificate-refused", PATIENCE_S, pokes=True)

    play(TlsWorld(tmp_path, True), scene)
