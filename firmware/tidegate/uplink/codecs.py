"""Codecs by the name that a configuration gives them."""

from tidegate.uplink.codec_json import JsonCodec


def codec_of(name, catalogue):
    """The codec of a configuration; only that one is loaded."""
    if name == "packed":
        from tidegate.uplink.codec_packed import PackedCodec
        return PackedCodec()
    if name == "collection":
        from tidegate.uplink.codec_collection import CollectionCodec
        return CollectionCodec(catalogue)
    return JsonCodec()
