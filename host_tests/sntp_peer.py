"""A scripted SNTP server on loopback, in a thread of its own: honest, or one of the others."""

import socket
import threading
import time

from time_peer import answer

YEAR_MS = 31_556_952_000
# Name: (what is wrong with its answers, ms until they come, None for never).
SCRIPTS = {
    "honest": ({}, 0),
    "late": ({}, 400),
    "silent": ({}, None),
    "rate": ({"stratum": 0, "name": b"RATE"}, 0),
    "deny": ({"stratum": 0, "name": b"DENY"}, 0),
    "guess": ({"nonce": b"\0" * 8}, 0),
    "unset": ({"first": 0xE4}, 0),
    "past": ({"error_ms": -30 * YEAR_MS}, 0),
    "future": ({"error_ms": 80 * YEAR_MS}, 0),
    "short": ({"cut": 47}, 0),
}


class SntpServer:
    """Serves one script until `close`. `port`; `count` of questions; `utc_ms()`, its time."""

    def __init__(self, script, utc_ms=lambda: time.time_ns() // 1_000_000):
        self._options, self._delay_ms = SCRIPTS[script]
        self._utc_ms = utc_ms
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.count = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            question, sender = self._socket.recvfrom(512)
            if question == b"end":
                self._socket.close()
                return
            self.count += 1
            if self._delay_ms is None:
                continue
            options = dict(self._options)
            utc_ms, cut = self._utc_ms() + options.pop("error_ms", 0), options.pop("cut", 512)
            time.sleep(self._delay_ms / 1_000)
            self._socket.sendto(answer(question, utc_ms, **options)[:cut], sender)

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"end", ("127.0.0.1", self.port))
