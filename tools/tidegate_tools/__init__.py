"""The host program `tidegate`: the demo, the sink, and what checks them."""
