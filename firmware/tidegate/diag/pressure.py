"""What is done where memory runs out: less at once for a while, and more again step by step."""

from tidegate.limits import PRESSURE_EASE_MS, PRESSURE_LEVEL_MAX, TICKS_MASK_MS


class Pressure:
    """Counts, and says how much is to be saved. Pure.

    Members: level, 0 for nothing, each one more halves batches and window; count of the times.
    """

    def __init__(self):
        self.level = self.count = 0
        self._since_ms = 0

    def short(self, now_ms):
        """Memory ran out."""
        self.count += 1
        self.level = min(self.level + 1, PRESSURE_LEVEL_MAX)
        self._since_ms = now_ms

    def ease(self, now_ms):
        """Result: whether a level was taken back."""
        if not self.level or (now_ms - self._since_ms) & TICKS_MASK_MS < PRESSURE_EASE_MS:
            return False
        self.level -= 1
        self._since_ms = now_ms
        return True
