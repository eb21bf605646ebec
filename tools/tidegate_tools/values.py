"""Observation values outside the device (SPEC section 1).

In memory a value is an int, a str or bytes. Between the parts of the host program, and in the
sink's database, it is its canonical JSON text: equal values have equal texts.
"""

import base64
import binascii
import json

NUMBER_MIN = -(1 << 63)
NUMBER_MAX = (1 << 64) - 1


def from_json(form):
    """The value of a JSON form: an integer, a string, or {"b64": base64 with padding}.

    Errors: ValueError says what is wrong with the form.
    """
    if isinstance(form, bool):
        raise ValueError("a boolean is not a value")
    if isinstance(form, int):
        if not NUMBER_MIN <= form <= NUMBER_MAX:
            raise ValueError("a number does not fit 64 bits")
        return form
    if isinstance(form, str):
        form.encode()
        return form
    if isinstance(form, dict) and list(form) == ["b64"] and isinstance(form["b64"], str):
        try:
            opaque = base64.b64decode(form["b64"], validate=True)
        except binascii.Error as error:
            raise ValueError("an opaque value is not base64") from error
        if base64.b64encode(opaque).decode() != form["b64"]:
            raise ValueError("an opaque value has stray bits in its base64")
        return opaque
    raise ValueError("a value is neither an integer, a string nor base64")


def to_text(value):
    """The canonical JSON text of a value in memory."""
    if isinstance(value, (bytes, bytearray)):
        value = {"b64": base64.b64encode(value).decode()}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def from_text(text):
    """The value of a canonical JSON text."""
    return from_json(json.loads(text))
