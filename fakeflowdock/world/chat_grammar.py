"""The hashtags, mentions, URLs and quotes in a chat text, as Flowdock's own library flowdock-text finds them.

A text is read from left to right, and each character belongs to one match at most. A URL or an e-mail address contains
no tags. A line quoted by four spaces contains only URLs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# Possessive repetitions wherever possible, so that no message takes long to parse.

_ACCENTED = r"\xc0-\u017f\u1e00-\u1eff"
_LETTERS = _ACCENTED + (
    r"\u0370-\u0527\u2de0-\u2dff\ua640-\ua69f"  # Greek, Cyrillic
    r"\u1100-\u11ff\u3130-\u3185\ua960-\ua97f\uac00-\ud7ff\uffa1-\uffdc"  # Korean
    r"\u3003\u3005\u303b\u3041-\u3096\u3099-\u309e\u30a1-\u30fa\u30fc-\u30fe\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9f"
    r"\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"  # full-width Latin
)
# The last four are letters from above in another case, for a JavaScript regex that ignores case.
_TAG = rf"A-Za-z0-9_\-{_LETTERS}\xb5\u0345\u1c80-\u1c88\u1fbe"
_BEFORE_TAG = rf"(?<![&/a-z0-9_{_LETTERS}])"  # no capitals, as in the original: `AB#cd` has a hashtag
_AFTER_TAG = r"(?![#\uff03]|://)"
_HASHTAG = re.compile(rf"{_BEFORE_TAG}[#\uff03]([{_TAG}]++){_AFTER_TAG}")
_MENTION = re.compile(rf"{_BEFORE_TAG}@((?>[{_TAG}.]*[{_TAG}])){_AFTER_TAG}")

_SPACES = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# Four spaces start a quote. As in the original, newlines count as spaces, and matching may resume inside a line.
_QUOTE_HERE = re.compile(rf"[{_SPACES}\ufeff]{{4}}[^\n\r\u2028\u2029]*")
_QUOTE = re.compile(rf"(?:(?<![^\n\r\u2028\u2029])|\n){_QUOTE_HERE.pattern}")

# A host consists of labels separated by dots. A label may contain any character except these. It may contain a hyphen,
# and except in the domain itself an underscore, but not at its ends.
_FORBIDDEN = r"\u202a-\u202e\ufeff\ufffe\uffff"
_NO_LABEL = rf"!#$%&'()*+,./:;<=>?@\[\\\]^{{|}}~{_SPACES}\x85\u180e{_FORBIDDEN}"
_LABEL = re.compile(rf"([^{_NO_LABEL}]++)(\.|://)?")
_LABEL_AFTER_DOT = re.compile(rf"\.([^{_NO_LABEL}]*+)")
_BEFORE_URL = re.compile(rf"[^\-/\"'!=A-Za-z0-9_@\uff20$#\uff03.{_FORBIDDEN}]")
_PROTOCOL = re.compile(r"(?ai:https?)\Z")
_IP = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
# After a protocol any host is accepted, such as `http://localhost`, if a plausible character follows.
_ANY_HOST = re.compile(rf"(?:(?!-)[^{_NO_LABEL}_]++(?<!-)\.)*+[^{_NO_LABEL}_]{{2,}}+(?=[:/{_SPACES}\x85\u180e]|\Z)")
_PATH_END = rf"[+\-A-Za-z0-9=_#/{_ACCENTED}]++|\([A-Za-z0-9!*';:=+,.$/%#\[\]\-_~|&{_ACCENTED}]++\)"
_AFTER_HOST = re.compile(
    r"(?::[0-9]++)?"
    rf"(?P<path>/(?:@{{0,2}}[!*';:,.$%\[\]~|&]*+(?:{_PATH_END}))*+)?"
    r"(?:\?[A-Za-z0-9!?*'();:&=+$/%#\[\]\-_.,~|]*[A-Za-z0-9_&=#/)\]])?"
)
_SHORTENED = re.compile(r"(?ai:https?://t\.co/[a-z0-9]+)")  # these end where Twitter's own end
_ASCII_LABELS = re.compile(rf"(?<![A-Za-z0-9\-{_ACCENTED}])(?:[A-Za-z0-9\-{_ACCENTED}]++\.)++")
_EMAIL_USER = re.compile(rf"[{_SPACES}\ufeff,\"']?[A-Za-z0-9\[\\\]^_`|.%+\-]++(@?)")

# The top-level domains of early 2014: countries; all others, and `local`; and those in other scripts than Latin, in
# Punycode without `xn--`.
_COUNTRIES = """
    ac ad ae af ag ai al am an ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by
    bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et eu fi fj fk fm
    fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je
    jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk ml mm mn mo mp
    mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa
    re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to
    tp tr tt tv tw tz ua ug uk um us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw
"""
_GENERIC = """
    academy actor aero agency arpa asia bar bargains berlin best bid bike biz blue boutique build builders buzz cab
    camera camp cards careers cat catering center ceo cheap christmas cleaning clothing club codes coffee com community
    company computer construction contractors cool coop cruises dance dating democrat diamonds directory domains edu
    education email enterprises equipment estate events expert exposed farm fish flights florist foundation futbol
    gallery gift glass gov graphics guitars guru holdings holiday house immobilien industries info institute int
    international jobs kaufen kim kitchen kiwi koeln kred land lighting limo link local luxury management mango
    marketing menu mil mobi moda monash museum nagoya name net neustar ninja okinawa onl org partners parts photo
    photography photos pics pink plumbing post pro productions properties pub qpon recipes red rentals repair report
    reviews rich ruhr sexy shiksha shoes singles social solar solutions supplies supply support systems tattoo
    technology tel tienda tips today tokyo tools training travel uno vacations ventures viajes villas vision vote
    voting voto voyage wang watch wed wien wiki works xxx xyz zone
"""
_OTHER_SCRIPTS = """
    3bst00m 3ds443g 3e0b707e 45brj9c 54b7fta0cc 55qw42g 55qx5d 6frz82g 6qq986b3xl 80ao21a 80asehdb 80aswg 90a3ac
    c1avg cg4bki clchc0ea0b2g2a9gcd d1acj3b fiq228c5hs fiq64b fiqs8s fiqz9s fpcrj9c3d fzc2c9e2c gecrj9c h2brj9c
    io0a7i j1amh j6w193g kprw13d kpry57d l1acc lgbbat1ad8j mgb9awbf mgba3a4f16a mgbaam7a8h mgbab2bd mgbai9azgqp6j
    mgbayh7gpa mgbbh1a71e mgbc0a9azcg mgberp4a5d4ar mgbpl2fh mgbx4cd0ab ngbc5azd node o3cw4h ogbpf8fl p1ai pgbs0dh
    q9jyb4c s9brj9c unup4y wgbh1c wgbl6a xkc2al3hye2a xkc2dl3a5ee0h yfro4i67o ygbi2ammx zfr164b
"""
_TOP_LEVEL = frozenset((_COUNTRIES + _GENERIC).split())
_TOP_LEVEL_HERE = re.compile(
    r"(?ai:xn--[0-9a-z]++)|([0-9A-Za-z]++)(?!@)"
    rf"|(?i:{'|'.join(name.encode().decode('punycode') for name in _OTHER_SCRIPTS.split())})(?![0-9A-Za-z@])"
)


Kind = Literal["quote", "url", "hashtag", "mention", "email"]


class _Found(NamedTuple):
    """A match: its kind, its position and its values."""

    kind: Kind
    start: int
    end: int
    values: list[str]


def values_of(kind: Kind, text: str) -> list[str]:
    """Return the values of all matches of a kind, in order and with duplicates."""
    return [value for found in _Text(text).read() if found.kind == kind for value in found.values]


class _Text:
    """A text being parsed. Each method returns the first match of its kind at or after a position, or None.

    Attributes:
        hosts: for each dot after which a host can end: its end, and whether an underscore may precede the dot.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.hosts: dict[int, tuple[int, bool]] = {}
        # A host extends as far as possible. Going from the right, each dot is visited once.
        for match in reversed(list(_LABEL_AFTER_DOT.finditer(text))):
            further = self.host_end(match.start(1))
            if further is not None:
                self.hosts[match.start()] = further, True
            elif (end := _top_level_end(text, match.start(1))) is not None:
                self.hosts[match.start()] = end, False

    def read(self) -> Iterator[_Found]:
        """Yield all matches from left to right. If two start at the same position, the first kind wins."""
        finders = (self.quote, self.url, self.hashtag, self.mention, self.email)
        upcoming = [find(0) for find in finders]
        while candidates := [found for found in upcoming if found]:
            first = min(candidates, key=lambda found: found.start)
            if first.kind == "quote":
                yield from self.urls_between(first.start, first.end)
            else:
                yield first
            upcoming = [
                find(first.end) if found and found.start < first.end else found
                for find, found in zip(finders, upcoming, strict=True)
            ]

    def urls_between(self, position: int, stop: int) -> Iterator[_Found]:
        while found := self.url(position, stop):
            yield found
            position = found.end

    def quote(self, position: int) -> _Found | None:
        match = _QUOTE_HERE.match(self.text, position) or _QUOTE.search(self.text, position)
        return _Found("quote", *match.span(), []) if match else None

    def hashtag(self, position: int) -> _Found | None:
        match = _HASHTAG.search(self.text, position)
        return _Found("hashtag", *match.span(), [match[1]]) if match else None

    def mention(self, position: int) -> _Found | None:
        match = _MENTION.search(self.text, position)
        return _Found("mention", *match.span(), [match[1]]) if match else None

    def email(self, position: int) -> _Found | None:
        for match in _EMAIL_USER.finditer(self.text, position):
            if match[1] and (end := self.host_end(match.end())) is not None:
                return _Found("email", match.start(), end, [])
        return None

    def url(self, position: int, stop: int | None = None) -> _Found | None:
        for label in _LABEL.finditer(self.text, position, len(self.text) if stop is None else stop):
            if label[2] == "://":
                found = self.url_after_protocol(label, position)
            elif label[2] == ".":
                found = self.url_without_protocol(label, position)
            else:
                continue
            if found:
                return found
        return None

    def url_after_protocol(self, label: re.Match[str], position: int) -> _Found | None:
        """Return the URL whose protocol ends this label."""
        text, host = self.text, label.end()
        protocol = _PROTOCOL.search(text, max(label.start(), label.end(1) - 5), label.end(1))
        if protocol is None or not self.may_start(protocol.start(), position):
            return None
        host_end = self.host_end(host)
        if host_end is None:
            match = _IP.match(text, host) or _ANY_HOST.match(text, host)
            if match is None:
                return None
            host_end = match.end()
        end = _after_host(text, host_end).end()
        url = text[protocol.start() : end]
        shortened = _SHORTENED.match(url)
        return _Found("url", max(protocol.start() - 1, position), end, [shortened[0] if shortened else url])

    def url_without_protocol(self, label: re.Match[str], position: int) -> _Found | None:
        """Return the URL that starts in this label. Of its host, only the Latin parts count."""
        text, (first, dot) = self.text, label.span(1)
        if dot in self.hosts and text[dot - 1] not in "-_":
            host_end, underscore = self.hosts[dot]
            if not underscore:
                first = max(first, text.rfind("_", first, dot) + 1)
            for start in range(first, dot):
                if text[start] not in "-_" and self.may_start(start, position):
                    rest = _after_host(text, host_end)
                    found = _latin_hosts(text[start:host_end])
                    if found and rest["path"]:
                        found[-1] += rest[0]
                    return _Found("url", max(start - 1, position), rest.end(), found)
        for start in range(max(first, dot - 3), dot):
            if self.may_start(start, position) and (ip := _IP.match(text, start)):
                # Without a protocol an IP address is not a URL, and neither is anything in what would be its path.
                return _Found("url", max(start - 1, position), _after_host(text, ip.end()).end(), [])
        return None

    def may_start(self, start: int, position: int) -> bool:
        """Return whether a URL may start here: where parsing resumes, or after a separating character."""
        return start == position or _BEFORE_URL.match(self.text, start - 1) is not None

    def host_end(self, start: int) -> int | None:
        """Return the end of the host that starts here, if it ends in a known domain."""
        label = _LABEL.match(self.text, start)
        if label is None or label.end(1) not in self.hosts or label[1][0] in "-_" or label[1][-1] in "-_":
            return None
        end, underscore = self.hosts[label.end(1)]
        return end if underscore or "_" not in label[1] else None


def _top_level_end(text: str, start: int) -> int | None:
    """Return the end of the top-level domain that starts here."""
    match = _TOP_LEVEL_HERE.match(text, start)
    return match.end() if match and (match[1] is None or match[1].lower() in _TOP_LEVEL) else None


def _after_host(text: str, end: int) -> re.Match[str]:
    """Match the port, path and query of a URL, each optional."""
    match = _AFTER_HOST.match(text, end)
    assert match is not None
    return match


def _latin_hosts(host: str) -> list[str]:
    """Return the Latin hosts within a host: `例え.example.com` contains `example.com`."""
    found = []
    for labels in _ASCII_LABELS.finditer(host):
        dot = labels.end() - 1
        while dot > 0:
            if (end := _top_level_end(host, dot + 1)) is not None:
                found.append(host[labels.start() : end])
                break
            dot = host.rfind(".", labels.start(), dot)
    return found
