"""`tidegate bench size`: what the agent takes of a board: flash, heap, and time to start."""

import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from tidegate_tools import bench_device, device_code
from tidegate_tools.bench import Figure
from tidegate_tools.bench_device import SCRIPTS, NotMeasured
from tidegate_tools.errors import ProcessError
from tidegate_tools.paths import find_checkout

KIB = 1_024
DAY_S = 86_400
# Objects of the 64-bit Unix port take so much more room than those of a 32-bit chip (measured).
WIDE = 1.56
# The smallest heap for the day is sought between what is kept after boot and this, in steps.
SPARE_BYTES_MAX, SPARE_STEP_BYTES = 128 * KIB, 2 * KIB
START_COUNT = 15
PATIENCE_S = 600
HEAP_BYTES = 2 << 20
ROOTS = ("tidegate.run", "tidegate.agent", "tidegate.config.schema", "tidegate.hal.tls",
         "tidegate.sources.serial_meter", "tidegate.sources.simulated")
AT_BOOT = ("tidegate.agent", "tidegate.config.schema", "tidegate.sources.serial_meter")
MODULES_TOLD = 8
NAMES = ("all .mpy of the agent, every profile and codec",
         "heap kept after boot, default configuration, 32-bit, from .mpy, without TLS",
         "the same with the code in ROMFS",
         "peak over the simulated day above what is kept",
         "start to the first sample above an empty interpreter start")
BOUNDS = ((96, 64), (88, 72), (64, 48), (16, 10), (8, 5))


def run(note=lambda step: None):
    """All figures of size. Argument: note, told each step. Result: a list of Figure."""
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        tree, client = code()
        figures = [size_figure(tree)]
        note("heap kept after boot")
        figures += heap_figures(tree, client, work)
        device_code.write({**tree, **client}, work / "mpy")
        note("a simulated day in the smallest heap")
        figures.append(peak_figure(work / "mpy"))
        note("starts")
        figures.append(start_figure(work))
    return figures


def code():
    """(the agent's modules, the client's), each {path: bytes}, compiled. Errors: ToolError."""
    checkout = find_checkout()
    files = device_code.closure(ROOTS, (checkout.firmware,))
    client = device_code.closure(("umqtt.simple",), (checkout.libraries,))
    return device_code.compiled(files), device_code.compiled(client)


def figure(index, value, unit="KiB", note=""):
    """One of NAMES with its bounds."""
    return Figure(NAMES[index], value, unit, *BOUNDS[index], note=note)


def size_figure(tree):
    """Bytes of the modules."""
    largest = sorted(tree.items(), key=lambda item: -len(item[1]))[:MODULES_TOLD]
    return figure(0, sum(map(len, tree.values())) / KIB, note="%d modules; largest: %s" % (
        len(tree), ", ".join("%s %d" % (name, len(data)) for name, data in largest)))


def heap_figures(tree, client, work):
    """What is kept after boot, and the same with the code in ROMFS."""
    figures = []
    for index, is_rom in ((1, False), (2, True)):
        try:
            found = heap_kept(tree, client, work / ("rom" if is_rom else "files"), is_rom)
        except NotMeasured as error:
            figures.append(figure(index, None, note="not measured: %s" % error))
            continue
        modules = sorted(found["modules"], key=lambda row: -row[1])
        figures.append(figure(index, found["kept"] / KIB, note="%d bytes are modules; largest: %s"
                              % (sum(size for _, size in modules), ", ".join(
                                  "%s %d" % tuple(row) for row in modules[:MODULES_TOLD]))))
    return figures


def heap_kept(tree, client, work, is_rom):
    """What `device/heap_boot.py` prints. Errors: NotMeasured, ProcessError."""
    modules = device_code.loaded(AT_BOOT, (find_checkout().firmware,))
    asked = "IS_ROM = %r\nMODULES = %r\n" % (is_rom, modules)
    device_code.write({"simple.mpy": client["umqtt/simple.mpy"], "size_asked.py": asked.encode()},
                      work)
    more = [work / "size_asked.py", work / "simple.mpy"]
    if is_rom:
        (work / "rom.img").write_bytes(device_code.romfs(tree))
        (work / "tidegate").mkdir()
        more.append(work / "rom.img")
    else:
        device_code.write(tree, work)
    return bench_device.on_webassembly("heap_boot.py", HEAP_BYTES, work, more)


def peak_figure(code_folder):
    """The smallest heap in which the day passes, less what is kept after boot."""
    if not find_checkout().interpreter.exists():
        return figure(3, None, note="not measured: run make setup")
    wide = in_heap(code_folder, 4 << 20, DAY_S)
    low, high = 0, SPARE_BYTES_MAX
    while high - low > SPARE_STEP_BYTES:
        middle = (low + high) // 2
        if in_heap(code_folder, wide["kept"] + middle, DAY_S):
            high = middle
        else:
            low = middle
    if high == SPARE_BYTES_MAX:
        return figure(3, float("inf"), note="more than %d bytes" % (high / WIDE))
    return figure(3, high / WIDE / KIB, note="%d observations, %d batches, %d sessions; a heap of "
                  "what is kept and %d bytes on the 64-bit Unix port, over %.2f; %d bytes more are"
                  " kept at its end" % (wide["observation_count"], wide["batch_count"],
                                        wide["open_count"], high, WIDE, wide["grown"]))


def in_heap(code_folder, heap_bytes, turn_count):
    """What `device/day.py` prints; None where that heap does not suffice. Errors: ProcessError."""
    done = _micropython(["-X", "heapsize=%d" % _with_tables(heap_bytes), SCRIPTS / "day.py",
                         turn_count], "%s:%s" % (code_folder, SCRIPTS))
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    if "MemoryError" in done.stdout or "memory allocation failed" in done.stdout:
        return None
    raise ProcessError("the simulated day ended with %d: %s" % (done.returncode,
                                                                done.stdout[-300:]))


def _with_tables(heap_bytes):
    """The heap to ask for: of each 4 blocks of 32 bytes one byte says what they are, and of each
    8 blocks one whether it has a finaliser."""
    return heap_bytes + heap_bytes * 3 // 256 + KIB


def start_figure(work):
    """The time to the first sample, in times of an empty start."""
    checkout = find_checkout()
    if not checkout.interpreter.exists():
        return figure(4, None, "empty starts", "not measured: run make setup")
    configuration = work / "start.json"
    configuration.write_text(json.dumps({
        "board": {"flash_path": str(work / "spool.bin")},
        "agent": {"device_id": "tg-000001", "host": "10.0.0.1"}}))
    tree = device_code.compiled(
        device_code.closure(("board", *ROOTS), (checkout.board, checkout.firmware)))
    device_code.write(tree, work / "start")
    folders = "%s:%s" % (work / "start", work / "mpy")
    begin = [SCRIPTS / "first_sample.py", configuration]
    _timed(begin, folders)  # Formats the flash; what is measured is a start like any other.
    ratios = []
    for _ in range(START_COUNT):
        empty_s = _timed(["-c", "pass"], folders)
        ratios.append((_timed(begin, folders) - empty_s) / empty_s)
    return figure(4, statistics.median(ratios), "empty starts",
                  "median of %d pairs, from %.1f to %.1f" % (len(ratios), min(ratios),
                                                           max(ratios)))


def _timed(arguments, folders):
    begun_s = time.perf_counter()
    done = _micropython(arguments, folders)
    if done.returncode:
        raise ProcessError("MicroPython ended with %d: %s" % (done.returncode,
                                                              done.stdout[-300:]))
    return time.perf_counter() - begun_s


def _micropython(arguments, folders):
    return subprocess.run(
        [str(find_checkout().interpreter), *map(str, arguments)], env={"MICROPYPATH": folders},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=PATIENCE_S)
