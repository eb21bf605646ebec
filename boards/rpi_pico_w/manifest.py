"""For a firmware of your own, in MicroPython's tree:
make -C ports/rp2 BOARD=RPI_PICO_W FROZEN_MANIFEST=<this file>"""

include("$(MPY_DIR)/extmod/asyncio")
require("bundle-networking")
require("umqtt.simple")
# The port's own `_boot` would format all of the storage area, the spool too.
freeze("$(PORT_DIR)/modules", ("_boot_fat.py", "rp2.py"))
freeze(".", ("_boot.py", "board.py"))
freeze("../../firmware", "main.py")
package("tidegate", base_path="../../firmware")
