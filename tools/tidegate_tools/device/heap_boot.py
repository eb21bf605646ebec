"""What the whole agent keeps of a 32-bit heap once it has booted. Run by on_webassembly.mjs.

The modules are .mpy files or a ROMFS image, as `size_asked` says. What stands for the world is
there before the first count. `kept` is the agent with its modules, the client and a serial meter
that is silent, a minute after boot, its session up; `modules` says what each one took of it when
it was imported, `image` what the ROMFS image itself would take where it is not in flash.
"""

import gc
import json
import sys

sys.path.append("/modules")

import size_asked  # noqa: E402

sys.modules["usocket"] = sys
image = b""
if size_asked.IS_ROM:
    import vfs

    with open("/modules/rom.img", "rb") as file:
        image = file.read()
    vfs.mount(vfs.VfsRom(image), "/rom")
    sys.path.insert(0, "/rom")

from bare_world import CONFIGURATION, UTC_MS, Ports, Silence, run  # noqa: E402

BOOT_MS = 60_000
ports = Ports()
agent = source = None
again = False
before = last = 0
queue = size_asked.MODULES[:]
modules = []
# ---
gc.collect()
# ---
before = gc.mem_alloc()
# ---
if modules:
    modules[-1][1] = gc.mem_alloc() - last
last = gc.mem_alloc()
again = bool(queue)
if queue:
    modules.append([queue.pop(0), 0])
    __import__(modules[-1][0])
gc.collect()
# ---
import simple  # noqa: E402
from tidegate.agent import Agent  # noqa: E402
from tidegate.config import schema  # noqa: E402
from tidegate.link.session import UP  # noqa: E402
from tidegate.observe.catalogue import Catalogue  # noqa: E402
from tidegate.sources.serial_meter import SerialMeter  # noqa: E402

again = False
source = SerialMeter(Silence(), Catalogue())
agent = Agent(ports, source, schema.check(CONFIGURATION), simple, UTC_MS)
source.follow(agent.trail)
run(agent, ports, BOOT_MS)
assert agent.session.phase == UP, agent.session.phase
# ---
gc.collect()
# ---
print(json.dumps({"kept": gc.mem_alloc() - before, "image": len(image), "modules": modules}))
