"""For a firmware of your own, in MicroPython's tree:
make -C ports/esp32 BOARD=ESP32_GENERIC_S3 FROZEN_MANIFEST=<this file>"""

include("$(PORT_DIR)/boards/manifest.py")
require("umqtt.simple")
freeze(".", "board.py")
freeze("../../firmware", "main.py")
package("tidegate", base_path="../../firmware")
