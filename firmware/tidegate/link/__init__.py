"""One MQTT session: phases, packets, back-off."""
