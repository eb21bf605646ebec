"""Back to the state before its first day: marked by a command, done by the next start.

Repair rule: the mark goes last, so that a power cut in between does it all again.
"""

_MARK = "factory-reset"
_ALL, _BUT_NETWORK = b"all", b"but network"
# Small records of `ports.keep`; those of the second row are how it is connected.
_RECORDS = ("policies", "hint", "console-guard", "crash")
CONFIGURATION_RECORDS = ("config.0", "config.1", "secrets.0", "secrets.1")
_NETWORK_RECORDS = ("addresses",) + CONFIGURATION_RECORDS


def mark(keep, keeps_network):
    """Have the next start forget everything. Result: whether that is durable."""
    return keep.save(_MARK, _BUT_NETWORK if keeps_network else _ALL)


def forget(keep):
    """Empty the small records, where that was asked for. Result: whether it was."""
    wanted = keep.load(_MARK)
    if wanted:
        for name in _RECORDS + (() if wanted == _BUT_NETWORK else _NETWORK_RECORDS):
            if keep.load(name):
                keep.save(name, b"")
    return bool(wanted)


def finish(ports):
    """At start, before the flash is read: forget what stands there, too."""
    if forget(ports.keep):
        for block in range(ports.flash.block_count):
            ports.flash.erase(block)
            ports.watchdog.feed()
        ports.keep.save(_MARK, b"")
