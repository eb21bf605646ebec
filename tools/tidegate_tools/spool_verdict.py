"""Whether an image is sound: what was read of it, counted and told in words."""

from typing import NamedTuple

from tidegate_tools.report import ranges_text
from tidegate_tools.spool_reading import HEAD, MISSING, RETIRED, UNREADABLE

UNKNOWN_WEAR = "erase counts are not kept on flash; each block was erased about as often as laps"


class Verdict(NamedTuple):
    """`damage` and `notes` are sentences; an image without damage is sound."""

    damage: list
    notes: list

    @property
    def is_sound(self):
        """Whether nothing that was accepted is missing and every byte is as it was written."""
        return not self.damage

    def text(self):
        """The verdict in one line."""
        return "damaged: " + "; ".join(self.damage) if self.damage else "sound"


def judge(image, readings):
    """Arguments: image, a SpoolImage; readings, of its logs. Result: Verdict."""
    damage, notes = [], []
    if image.missing_from < image.block_count:
        damage.append("the file ends in block %d, the region has %d blocks"
                      % (image.missing_from, image.block_count))
    if image.surplus_bytes:
        notes.append("%d bytes behind the region are passed over" % image.surplus_bytes)
    for index in image.lost_logs:
        damage.append("%s: no sector can be read" % readings[index].name)
    for reading in readings:
        _judge_log(reading, damage, notes)
    return Verdict(damage, notes)


def _judge_log(reading, damage, notes):
    def say(target, text, *values):
        target.append("%s: %s" % (reading.name, text % values))

    unreadable = [each.block for each in reading.sectors if each.state == UNREADABLE]
    if unreadable:
        say(damage, "no readable sector header in %s", blocks_text(unreadable))
    # In the head one copy is what a cut leaves of an opening.
    half = [each.block for each in reading.sectors
            if each.copy_count == 1 and each.damaged_bytes + each.frame_count
            and each.state != HEAD]
    if half:
        say(damage, "one of two headers damaged in %s", blocks_text(half))
    damaged = [each.block for each in reading.sectors if each.damaged_bytes]
    if damaged:
        say(damage, "%d bytes of no frame in %s",
            sum(each.damaged_bytes for each in reading.sectors), blocks_text(damaged))
    if reading.lost:
        say(damage, "%s lost (seq %s)", observations_text(reading.lost), ranges_text(reading.lost))
    if reading.evicted:
        say(notes, "%s gave way unconfirmed (seq %s)", observations_text(reading.evicted),
            ranges_text(reading.evicted))
    if reading.cut or any(each.torn_bytes for each in reading.sectors):
        say(notes, "a power cut tore an append, as it may: nothing accepted is missing for it")
    retired = [each.block for each in reading.sectors if each.state == RETIRED]
    if retired:
        say(notes, "failed and not used any more: %s", blocks_text(retired))


def log_counts(reading):
    """The counts of one log, a dict for json.dumps."""
    log = reading.log
    return {
        "log": reading.name,
        "first": reading.observations[0].seq if reading.observations else None,
        "next": log.next_seq,
        "whole": len(reading.observations),
        "confirmed": reading.confirmed_count,
        "unconfirmed": len(reading.observations) - reading.confirmed_count,
        "watermark": log.ranges.watermark,
        "ahead": [list(each) for each in log.ranges.ranges],
        "lost": count_of(reading.lost),
        "lost_ranges": [list(each) for each in reading.lost],
        "evicted": count_of(reading.evicted),
        "cut": count_of(reading.cut),
        "damaged_bytes": sum(each.damaged_bytes for each in reading.sectors),
        "torn_bytes": sum(each.torn_bytes for each in reading.sectors),
        "unreadable_blocks": [each.block for each in reading.sectors
                              if each.state in (UNREADABLE, MISSING)],
        "retired_blocks": [each.block for each in reading.sectors if each.state == RETIRED],
        "laps": max(0, log.number) // log.geometry.block_count,
        "erases": None,
    }


def count_of(ranges):
    """How many seqs ranges hold."""
    return sum(last - first + 1 for first, last in ranges)


def observations_text(ranges):
    """`1 observation`, `4 observations`."""
    count = count_of(ranges)
    return "%d observation%s" % (count, "" if count == 1 else "s")


def blocks_text(numbers):
    """`block 3`; `blocks 3-5, 9` for 3, 4, 5, 9."""
    runs = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return "block%s %s" % ("" if len(numbers) == 1 else "s", ranges_text(runs))
