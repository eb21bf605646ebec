"""What happened to a configuration, as the operator is told: observation 4006. SPEC section 2."""

from tidegate.limits import CONFIGURATION_WHY_COUNT_MAX, TEXT_BYTES_MAX

_REST_BYTES = len(',"..."]}')


def told(what, why, by, generation, names):
    """JSON text of at most TEXT_BYTES_MAX bytes, always the same for the same facts.

    Arguments: what, one word; why, a text, shortened and rid of what JSON or a trail would
    escape; by, who asked for it; generation; names, the keys that have changed: as many as there
    is room for, then "...".
    """
    plain = "".join([each if " " <= each < "\x7f" and each not in '"\\' else "'"
                     for each in why])[:CONFIGURATION_WHY_COUNT_MAX]
    text = '{"what":"%s","why":"%s","by":"%s","generation":%d,"keys":[' % (
        what, plain, by, generation)
    for index, name in enumerate(names):
        each = '%s"%s"' % ("," if index else "", name)
        if len(text) + len(each) + _REST_BYTES > TEXT_BYTES_MAX:
            return text + (',' if index else '') + '"..."]}'
        text += each
    return text + "]}"
