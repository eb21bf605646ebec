"""The profile of an IoT hub: its token, its topics, its twin; and a renewal that drops nothing."""

import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qs, quote

import pytest
from fakes import Random
from mqtt_peer import CONNACK, CONNECT, DISCONNECT, PINGRESP, PUBLISH, SUBACK, publish
from session_world import REQUEST, World

from tidegate.config import schema
from tidegate.errors import ConfigurationError
from tidegate.limits import AZURE_TOPIC_BYTES_MAX
from tidegate.link import causes, profiles, session

KEY = base64.b64encode(b"a key of the device \xff\xfe").decode()
GIVEN = {"device_id": "d", "host": "sea.azure-devices.net", "profile": "azure", "tls": "on",
         "tls_ca": "ca.der", "sas_key": KEY}
UTC_S = 1_768_509_600
DAY_MS = 86_400_000
UP = b"devices/d/messages/events/"
DOWN = b"devices/d/messages/devicebound/"


def azure(seed=1, **more):
    return profiles.make(schema.check({**GIVEN, **more}), Random(seed).below)


def test_the_generic_profile_changes_nothing():
    generic = profiles.make(schema.check({"device_id": "d", "host": "h"}), Random(1).below)
    assert generic.identity(0, 0) == (b"d", None, None)
    assert generic.outward(b"a/b", ("s", "records", 1)) == b"a/b"
    assert generic.inward(b"a/b", b"x") == (b"a/b", b"x")
    assert generic.subscriptions((b"a", b"b")) == (b"a", b"b") and not generic.is_due(5)


def test_the_identity_is_a_token_that_the_hub_can_check():
    client, user, password = azure().identity(UTC_S, 0)
    assert (client, user) == (b"d", b"sea.azure-devices.net/d/?api-version=2021-04-12")
    kind, _, fields = password.decode().partition(" ")
    fields = {name: value[0] for name, value in parse_qs(fields).items()}
    assert kind == "SharedAccessSignature" and fields["sr"] == "sea.azure-devices.net/devices/d"
    assert int(fields["se"]) == UTC_S + 86_400
    signed = quote(fields["sr"], safe="") + "\n" + fields["se"]
    expected = hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()
    assert base64.b64decode(fields["sig"]) == expected


@pytest.mark.parametrize("text", ["plain-._", "a/b c", "+/=&%", "\u00fc\u20ac"])
def test_quoting_is_that_of_urls(text):
    assert profiles.quoted(text) == quote(text, safe="-._")


def test_without_the_time_there_is_no_token_and_with_a_certificate_none_is_needed():
    assert azure().identity(0, 0) is None
    shown = {"sas_key": "", "tls_certificate": "d.der", "tls_key": "d.key"}
    profile = azure(**shown)
    assert profile.identity(0, 0)[2] == b"" and not profile.is_due(DAY_MS)


def test_a_key_that_is_not_base64_is_named():
    with pytest.raises(ConfigurationError) as caught:
        azure(sas_key="a")
    assert str(caught.value).startswith("sas_key:")


def test_the_key_of_a_batch_travels_in_the_name_of_its_topic_and_fits():
    profile = azure(device_id="x" * 64)
    topic = profile.outward(b"tidegate/1/d/telemetry", ("0123456789abcdef", "telemetry", 2**30))
    bag = parse_qs(topic.decode().rsplit("/", 1)[1])
    assert bag == {"kind": ["telemetry"], "store": ["0123456789abcdef"], "log": ["telemetry"],
                   "seq": [str(2**30)]}
    assert len(topic) <= AZURE_TOPIC_BYTES_MAX
    assert azure().outward(b"tidegate/1/d/state") == UP + b"kind=state"


def test_renewals_are_spread_over_the_last_part_of_a_token_s_life_and_never_late():
    moments = []
    for seed in range(200):
        profile = azure(seed)
        profile.identity(UTC_S, 7_000)
        moments.append(next(minute for minute in range(1_441)
                            if profile.is_due(7_000 + 60_000 * minute)))
    assert min(moments) >= 1_440 * 3 // 4 and max(moments) <= 1_440 * 9 // 10 + 1
    assert len(set(moments)) > 100


@pytest.mark.parametrize(
    "topic, payload, hint",
    [
        (b"$iothub/twin/res/200/?$rid=1", {"desired": {"tidegate_hint": {"window_s": 9}}}, 9),
        (b"$iothub/twin/PATCH/properties/desired/?$version=2", {"tidegate_hint": None}, None),
    ],
)
def test_the_hint_is_a_desired_property_of_the_twin(topic, payload, hint):
    told = azure().inward(topic, json.dumps(payload).encode())
    assert told[0] == profiles.HINT_TOPIC
    assert json.loads(told[1]) == (hint if hint is None else {"window_s": hint})


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"desired": {"other": 1}}'])
def test_a_twin_without_a_hint_says_nothing(payload):
    assert azure().inward(b"$iothub/twin/res/200/?$rid=1", payload) is None


@pytest.mark.parametrize("payload", [b"{", b"[]", b'{"desired": 5}', b'{"desired": null}'])
def test_a_twin_that_is_none_is_handed_on_and_refused_there(payload):
    topic = b"$iothub/twin/res/200/?$rid=1"
    assert azure().inward(topic, payload) == (topic, payload)


def test_what_is_for_the_device_is_a_command_or_an_echo_by_its_property():
    profile = azure()
    assert profile.inward(DOWN + b"%24.to=x&kind=confirm", b"e") == (b"tidegate/1/d/confirm", b"e")
    assert profile.inward(DOWN + b"%24.to=x", b"c") == (b"tidegate/1/d/cmd", b"c")


def up():
    profile = azure()
    world = World(answers=(CONNACK, SUBACK, PINGRESP), profile=profile)
    now_ms = world.now_ms
    request = (profile.identity(UTC_S, now_ms), *REQUEST[1:])
    world.open(request)
    for _ in range(6):
        world.step(1)
    assert world.session.phase == session.UP
    return world


def test_a_session_with_a_hub_uses_its_topics_only():
    world = up()
    assert world.broker.subscriptions == [
        DOWN + b"#", b"$iothub/twin/res/#", b"$iothub/twin/PATCH/properties/desired/#"]
    first, body = world.broker.packets[0]
    assert first == CONNECT and UP + b"kind=state" in body
    world.session.publish(b"tidegate/1/d/live", b"x", True, world.now_ms, ("s", "records", 4))
    world.step()
    topics = [(topic, retain) for topic, _, _, retain in world.broker.publishes()]
    assert topics == [(b"$iothub/twin/GET/?$rid=1", False),
                      (UP + b"kind=live&store=s&log=records&seq=4", False)]
    world.arrive(publish(b"$iothub/twin/PATCH/properties/desired/?$version=3",
                         b'{"tidegate_hint": {"window_s": 330}}')).step(1)
    assert world.handler.named("message") == [(profiles.HINT_TOPIC, b'{"window_s": 330}')]


def test_a_token_is_renewed_once_what_is_in_flight_is_confirmed():
    world = up()
    world.broker.release()
    while world.session.can_publish(1):
        world.step(20_000)
        assert world.now_ms < DAY_MS, "never renewed"
    # Renewal is due: nothing new goes, and the session is left at once as nothing is in flight.
    assert world.downs() == [(session.UP, causes.RENEWED)]
    assert world.broker.kinds()[-1] == DISCONNECT

    world = up()
    world.broker.release()
    world.now_ms += 900 * 86_400 - 1
    world.session._received_ms = world.session._sent_ms = world.now_ms
    world.publish(topic=b"tidegate/1/d/live")
    world.step(1)
    assert world.session.phase == session.UP and not world.session.can_publish(1)
    assert world.broker.kinds()[-1] == PUBLISH
    world.broker.release()
    world.step(1)
    assert world.handler.named("puback")[-1:] and world.downs() == [(session.UP, causes.RENEWED)]
