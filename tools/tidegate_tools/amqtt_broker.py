"""The embedded broker as a process: `python -m tidegate_tools.amqtt_broker PORT`.

Plain TCP on loopback, anonymous, quiet. It ends when its input ends, so that it never outlives
the program that started it.
"""

import asyncio
import logging
import sys

from amqtt.broker import Broker

HOST = "127.0.0.1"


def settings(port):
    """amqtt's configuration: one listener, nobody refused, no plugin that publishes."""
    return {
        "listeners": {"default": {"type": "tcp", "bind": "%s:%d" % (HOST, port)}},
        "plugins": {
            "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }


async def serve(port):
    """Runs the broker until standard input ends."""
    broker = Broker(settings(port))
    await broker.start()
    # A thread of its own would keep the process alive: the loop watches the descriptor instead.
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def take_input():
        if not sys.stdin.buffer.raw.read(4096):
            loop.remove_reader(sys.stdin.fileno())
            ended.set()

    loop.add_reader(sys.stdin.fileno(), take_input)
    await ended.wait()
    await broker.shutdown()


def main():
    logging.basicConfig(level=logging.CRITICAL)
    try:
        asyncio.run(serve(int(sys.argv[1])))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
