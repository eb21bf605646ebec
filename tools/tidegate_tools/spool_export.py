"""What an image holds as the batches of the device, for a sink that could not get them itself."""

from tidegate_tools import paths

paths.use_device_modules()

from tidegate.clock.anchor import Anchor  # noqa: E402
from tidegate.observe.catalogue import RECORDS, TELEMETRY  # noqa: E402
from tidegate.limits import VALUE_BYTES_MAX  # noqa: E402
from tidegate.uplink.batch import Batch  # noqa: E402
from tidegate.uplink.codec_json import JsonCodec  # noqa: E402
from tidegate.uplink.cursors import Track  # noqa: E402
from tidegate.uplink.payload import Payload  # noqa: E402

from tidegate_tools.decode import LOG_OF_TOPIC, PREFIX  # noqa: E402

# A spool does not know its device. What stands for it until the sink knows better.
UNNAMED = "store-%s"
# No boot has this number: each batch is dated by what the flash says.
_NO_BOOT = 0
TOPIC_OF_LOG = {"telemetry": "history", "records": "records"}
assert all(LOG_OF_TOPIC[topic] == log for log, topic in TOPIC_OF_LOG.items())


class _RoomyPayload(Payload):
    """Takes the largest value of a spool, which a device's own payload need not."""

    _BYTES_MAX = 2 * VALUE_BYTES_MAX

    def __init__(self):
        super().__init__(memoryview(bytearray(self._BYTES_MAX)))

    def has_room(self, count):
        return self.at + count <= self._BYTES_MAX


class _RoomyCodec(JsonCodec):
    def __init__(self):
        super().__init__()
        self._payload = _RoomyPayload()


class _EveryTrack:
    """A track over all that a log holds, confirmed or not."""

    is_backlog = True

    def __init__(self, cursor, log_index):
        self.cursor = cursor
        self.log_index = log_index
        cursor.seek(1)

    def prepare(self):
        """Whether there is something left, be it a hole."""
        return self.cursor.hole is not None or self.cursor.next_seq < self.cursor.log.next_seq

    def next(self):
        """Go to the next observation."""
        return self.cursor.next()


def batches(spool, device, is_unconfirmed_only):
    """The batches of both logs, SPEC section 4, each as bytes without a line break.

    Arguments: spool, recovered; device, its id, or empty where nobody knows; is_unconfirmed_only.
    """
    store = spool.store_id.hex()
    identity = (device or UNNAMED % store, store, _NO_BOOT)
    for index in (TELEMETRY, RECORDS):
        log = spool.logs[index]
        batch = Batch(_RoomyCodec(), identity, Anchor())
        if is_unconfirmed_only:
            track = Track(spool.cursor(index), index, True)
            track.begin(log.next_seq)
        else:
            track = _EveryTrack(spool.cursor(index), index)
        # The age of the oldest one is not known: the host's clock is not the device's.
        lag = {"age_s": None, "count": log.next_seq - 1 - log.ranges.count(), "bytes": 0,
               "rate": 0, "drain_s": None}
        while True:
            payload = batch.build(track, lag)
            if payload is None:
                break
            yield bytes(payload)


def topic_of(members):
    """The topic a batch belongs on. Errors: KeyError, TypeError where it is none."""
    return "%s%s/%s" % (PREFIX, members["dev"], TOPIC_OF_LOG[members["log"]])

