"""Payloads of codec `collection` into the members that codec `json` has (SPEC section 4c)."""

import base64
import re

from tidegate_tools.quantities import load_quantities

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")


def members(message):
    """Argument: message, the JSON object. Result: a dict as of SPEC section 4.

    Errors: ValueError, KeyError, TypeError where it does not have that form.
    """
    found = dict(message["_key"])
    quantities = load_quantities()
    rows = []
    for each in message["Observations"]:
        observation_id = each["ObservationId"]
        rows.append([each.get("_seq", len(rows)), each["_at"], observation_id,
                     _value(quantities.get(observation_id), each)])
    found["obs"] = rows
    return found


def _value(quantity, each):
    """The value in its JSON form of SPEC section 1."""
    text = each["Value"]
    if quantity is None:
        raise ValueError("observation id %r is not in the catalogue" % each["ObservationId"])
    if not isinstance(text, str):
        raise ValueError("`Value` is not a text")
    if quantity.kind == "number":
        return _scaled(text, quantity.decimals)
    if quantity.kind == "text":
        return text
    if "_of" in each:
        return {"b64": text, "at": each["_offset"], "of": each["_of"]}
    if each.get("_b64") == 1:
        return {"b64": text}
    return {"b64": base64.b64encode(text.encode()).decode()}


def _scaled(text, decimals):
    if not _DECIMAL.match(text):
        raise ValueError("`Value` is not a decimal number")
    whole, _, fraction = text.partition(".")
    if len(fraction) != decimals:
        raise ValueError("`Value` does not have %d decimals" % decimals)
    return int(whole + fraction)
