"""A bad peer by hand: `tidegate gate --play NAME`."""

import asyncio
import json
from contextlib import suppress

from tidegate_tools import shell
from tidegate_tools.peer_scripts import SCRIPTS
from tidegate_tools.peers import NameServer, Peer

HOST_NAME = "sea.example"


def run(target, port, name, for_s, tls_folder):
    """Play until interrupted. Arguments: target, (host, port as text) of the broker; port, to
    listen on; name, of the script; for_s, when to behave, 0 for never; tls_folder, where the
    authority's certificate is put, None for no TLS. Result: the exit status."""
    script = SCRIPTS.get(name)
    if script is None or not target[0] or not target[1].isdigit():
        shell.complain("--play is one of %s; --to is host:port" % ", ".join(SCRIPTS))
        return shell.EXIT_USAGE
    if script.is_tls and tls_folder is None:
        shell.complain("--play %s speaks TLS: name a folder with --tls-folder, and give the agent"
                       " its ca.der and host %s" % (name, HOST_NAME))
        return shell.EXIT_USAGE
    try:
        shell.run(_play(Peer((target[0], int(target[1])), port, _authority(tls_folder)), name,
                        for_s))
    except OSError as error:
        shell.complain("cannot listen on port %d: %s" % (port, error))
        return shell.EXIT_FAILED
    except shell.Interrupted as interrupted:
        return interrupted.status
    return 0


def _authority(folder):
    if folder is None:
        return None
    # Only here: making keys is slow to load.
    from tidegate_tools.certificates import Authority

    folder.mkdir(parents=True, exist_ok=True)
    return Authority(folder, HOST_NAME)


async def _play(peer, name, for_s):
    names = NameServer(peer)
    try:
        if not peer.port:
            await peer.behave()
        await peer.play(name)
        with suppress(OSError):
            await names.start()
        _tell(peer, name)
        if for_s:
            await asyncio.sleep(for_s)
            await peer.behave()
            _tell(peer, "")
        while True:
            await asyncio.sleep(1)
            print(json.dumps({"attempts": peer.attempts}), flush=True)
    finally:
        if names.port:
            names.stop()
        await peer.stop()


def _tell(peer, name):
    print(json.dumps({"listening": peer.port, "playing": name,
                      "agent_says": SCRIPTS[name].cause if name else ""}), flush=True)
