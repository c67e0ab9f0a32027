"""Find hashtags, mentions, URLs and words in chat texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .chat_grammar import Kind

_WORD = re.compile(r"\w+")
_NAMED = re.compile(r"[@\uff20][\w.\-]*+")  # by a mention
_MARKUP = re.compile(r"</?[A-Za-z!][^<>]*+>")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z0-9]{1,31});")


def hashtags(text: str) -> list[str]:
    """Return the hashtags of a text, without their signs, in order and with duplicates."""
    return _all_of("hashtag", text) if "#" in text or "\uff03" in text else []


def mentions(text: str) -> list[str]:
    """Return the names after at signs, in order and with duplicates. There may be no such users."""
    return _all_of("mention", text) if "@" in text else []


def urls(text: str) -> list[str]:
    """Return the URLs of a text in order: with any host after `http://`, with a known domain without it."""
    return _all_of("url", text) if "." in text or "://" in text else []


def words(text: str, *, html: bool = False) -> list[str]:
    """Return the distinct words of a text in order, case-folded. Of HTML, only the visible text counts."""
    if html:
        text = _MARKUP.sub(" ", text)
        if "&" in text:
            from html import unescape  # large, and few texts need it

            text = _ENTITY.sub(lambda entity: unescape(entity[0]), text)
    return list(dict.fromkeys(word.casefold() for word in _WORD.findall(text)))


def names_nick(text: str, nick: str) -> bool:
    """Return whether a nick is a word of a text, ignoring case. Mentions with an at sign do not count."""
    text, nick = text.casefold(), nick.casefold()
    if not nick or nick not in text:
        return False
    text = _NAMED.sub("@", text)
    at = text.find(nick)
    while at >= 0:  # a pattern for each nick would take ten times as long to compile
        before, after = text[at - 1 : at], text[at + len(nick) : at + len(nick) + 1]
        if not (_is_of_word(before) or before == "@" or _is_of_word(after)):
            return True
        at = text.find(nick, at + 1)
    return False


def _is_of_word(sign: str) -> bool:
    return sign.isalnum() or sign == "_"


def _all_of(kind: Kind, text: str) -> list[str]:
    from .chat_grammar import values_of  # its patterns take long to compile, and most texts have none of these

    return values_of(kind, text)
