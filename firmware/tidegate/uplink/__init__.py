"""From the spool to payloads: cursors, batches, codecs."""
