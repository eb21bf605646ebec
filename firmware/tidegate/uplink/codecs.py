"""Codecs by the name that a configuration gives them."""

from tidegate.uplink.codec_json import JsonCodec


def codec_of(name, catalogue, room):
    """The codec of a configuration; only that one is loaded. Argument: room, where it writes."""
    if name == "packed":
        from tidegate.uplink.codec_packed import PackedCodec
        return PackedCodec(room)
    if name == "collection":
        from tidegate.uplink.codec_collection import CollectionCodec
        return CollectionCodec(catalogue, room)
    return JsonCodec(room)
