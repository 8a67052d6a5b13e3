"""Tesseract's language codes, and what the rest of the house calls them."""

from __future__ import annotations

_TO_BCP47 = {
    "afr": "af", "amh": "am", "ara": "ar", "aze": "az", "bel": "be", "ben": "bn", "bul": "bg",
    "cat": "ca", "ces": "cs", "chi_sim": "zh-Hans", "chi_tra": "zh-Hant", "cym": "cy",
    "dan": "da", "deu": "de", "ell": "el", "eng": "en", "epo": "eo", "est": "et", "eus": "eu",
    "fas": "fa", "fin": "fi", "fra": "fr", "gle": "ga", "glg": "gl", "guj": "gu", "heb": "he",
    "hin": "hi", "hrv": "hr", "hun": "hu", "hye": "hy", "ind": "id", "isl": "is", "ita": "it",
    "jpn": "ja", "kan": "kn", "kat": "ka", "kaz": "kk", "khm": "km", "kor": "ko", "lao": "lo",
    "lav": "lv", "lit": "lt", "mal": "ml", "mar": "mr", "mkd": "mk", "mlt": "mt", "msa": "ms",
    "mya": "my", "nep": "ne", "nld": "nl", "nor": "nb", "pan": "pa", "pol": "pl", "por": "pt",
    "ron": "ro", "rus": "ru", "slk": "sk", "slv": "sl", "spa": "es", "sqi": "sq", "srp": "sr",
    "swa": "sw", "swe": "sv", "tam": "ta", "tel": "te", "tgl": "tl", "tha": "th", "tur": "tr",
    "ukr": "uk", "urd": "ur", "uzb": "uz", "vie": "vi",
}  # fmt: skip

_UNSPACED = frozenset({"chi_sim", "chi_tra", "jpn", "tha", "lao", "khm", "mya"})
"""Scripts written without spaces between words."""


def bcp47(language: str) -> str:
    """Return the BCP 47 tag of a Tesseract language: "fra" is "fr", "tur+eng" is "tr"."""
    first = language.split("+")[0]
    return _TO_BCP47.get(first.removesuffix("_vert"), first)


def debian_package(language: str) -> str:
    """Return the part after ``tesseract-ocr-`` of the Debian package: "chi-sim"."""
    return language.replace("_", "-").lower()


def is_unspaced(language: str) -> bool:
    """Say whether the words of a Tesseract language stand without spaces."""
    return language.split("+")[0].removesuffix("_vert") in _UNSPACED
