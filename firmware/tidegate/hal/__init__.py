"""Hardware abstraction: the only place that knows the chip, the system or a socket."""
