"""Hashtags, mentions, URLs, words and nicks in a chat text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeflowdock.world.chat_text import hashtags, mentions, names_nick, urls, words

pytestmark = pytest.mark.newest_only

# Hashtags


@pytest.mark.parametrize("sign", [":", ";", ",", ".", "!", "?", ")", "]", "'", "\u3002", "\u2026", " ", "\n", "\u3000"])
def test_a_hashtag_ends_before_punctuation(sign: str) -> None:
    assert hashtags(f"Ship #release{sign}") == hashtags(f"Ship #release{sign} today") == ["release"]


@pytest.mark.parametrize("sign", [":", ";", ",", ".", "!", "?", "(", "[", '"', "\u3002", "\u2019", " ", "\n", "\u3000"])
def test_a_hashtag_begins_after_punctuation(sign: str) -> None:
    assert hashtags(f"{sign}#release") == hashtags(f"Ship{sign}#release") == ["release"]


@pytest.mark.parametrize("before", ["a", "7", "_", "&", "/", "\xe9", "\u0436", "\ud55c", "\u6f22"])
def test_a_hashtag_does_not_begin_inside_a_word_an_entity_or_a_path(before: str) -> None:
    assert hashtags(f"{before}#release") == []


def test_a_capital_letter_before_a_hashtag_does_not_stop_it() -> None:
    assert hashtags("HR#release") == ["release"]


@pytest.mark.parametrize("tag", ["release", "Release2", "2nd-try", "404", "0", "snake_case", "kebab-case", "-", "_"])
def test_a_hashtag_has_letters_digits_underscores_and_hyphens(tag: str) -> None:
    assert hashtags(f"see #{tag} there") == [tag]


@pytest.mark.parametrize(
    "tag",
    [
        "sm\xf8rrebr\xf8d",
        "\u0130zmir",
        "Vi\u1ec7tNam",
        "\u0434\u0435\u043f\u043b\u043e\u0439",
        "\u03ba\u03b1\u03c6\u03ad\u03c2",
        "\ubc30\ud3ec",
        "\uffa1\uffa2",
        "\u30c7\u30d7\u30ed\u30a4",
        "\u304f\u308b\u307e",
        "\uff83\uff9e\uff9d\uff9c",
        "\u6642\u3005",
        "\uff21\uff22\uff11",
        "\xb5services",
    ],
    ids=ascii,
)
def test_a_hashtag_has_the_letters_of_many_scripts(tag: str) -> None:
    assert hashtags(f"#{tag}! and #{tag}") == [tag, tag]


@pytest.mark.parametrize("sign", ["\xb7", "\u2713", "\U0001f680", "\u05d0", "\u0905"], ids=ascii)
def test_a_hashtag_ends_before_what_is_no_letter_of_these_scripts(sign: str) -> None:
    assert hashtags(f"#go{sign}go") == ["go"]


def test_a_hashtag_may_have_a_full_width_sign() -> None:
    assert hashtags("\uff03release and\u3000\uff03\uff12\uff10") == ["release", "\uff12\uff10"]


@pytest.mark.parametrize("text", ["#", "# release", "#!", "no tags", "", "C# and F#", "#.release"])
def test_a_sign_alone_is_no_hashtag(text: str) -> None:
    assert hashtags(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#one#two", []),
        ("##two", ["two"]),
        ("#one# #two", ["two"]),
        ("#one\uff03", []),
        ("#ftp://x", []),
        ("#a:b", ["a"]),
    ],
)
def test_a_hashtag_does_not_end_before_another_sign_or_as_a_protocol(text: str, found: list[str]) -> None:
    assert hashtags(text) == found


def test_hashtags_come_in_order_as_often_and_as_they_are_written() -> None:
    assert hashtags("#Beta #alpha, #beta and #alpha") == ["Beta", "alpha", "beta", "alpha"]


@pytest.mark.parametrize("text", ["http://example.com/#top", "example.com/faq#top", "http://example.com/a,#top"])
def test_what_is_after_a_hash_in_a_url_is_no_hashtag(text: str) -> None:
    assert hashtags(f"{text} #bottom") == ["bottom"]


# Mentions


@pytest.mark.parametrize(
    "name", ["ada", "Ada", "ada_l", "ada-l", "ada.l", "1815", "\xc5sa", "\u0410\u0434\u0430", "a..b"]
)
def test_a_mention_is_a_name_after_an_at_sign(name: str) -> None:
    assert mentions(f"@{name}") == mentions(f"ask @{name}, please") == mentions(f"(@{name})") == [name]


def test_mentions_come_in_order_as_often_and_as_they_are_written() -> None:
    assert mentions("@bob @Ada: @everyone\n@bob") == ["bob", "Ada", "everyone", "bob"]


@pytest.mark.parametrize("text", ["@ada.", "@ada...", "@ada!", "@ada's", "@ada: hi", "thanks.@ada", "@@ada", "R@ada"])
def test_a_mention_ends_before_punctuation_also_a_dot(text: str) -> None:
    assert mentions(text) == ["ada"]


@pytest.mark.parametrize(
    "text", ["@", "@ ada", "@...", "look@ada", "9@ada", "/@ada", "&@ada", "_@ada", "\uff20ada", "ada"]
)
def test_an_at_sign_alone_or_in_a_word_is_no_mention(text: str) -> None:
    assert mentions(text) == []


@pytest.mark.parametrize("text", ["@ada#1", "@http://example.com"])
def test_a_mention_does_not_end_before_a_hash_or_as_a_protocol(text: str) -> None:
    assert mentions(text) == []


@pytest.mark.parametrize(
    "text", ["ada@example.com", "Write to ADA@example.com.", "a.b@example.co.uk", "X@ex.fi,Y@ex.fi"]
)
def test_an_e_mail_address_is_neither_mention_nor_url(text: str) -> None:
    assert mentions(text) == urls(text) == []


def test_what_only_looks_like_an_e_mail_address_may_have_a_mention() -> None:
    assert mentions("HQ@ada.invalid or HQ@ada.com_") == ["ada.invalid"]


@pytest.mark.parametrize("url", ["http://example.com/@ada", "example.com/docs/@@edit", "http://example.com/a@ada"])
def test_a_name_in_a_path_is_no_mention(url: str) -> None:
    assert (mentions(url), urls(f"see {url} now")) == ([], [url])


# Quotes


@pytest.mark.parametrize("before", ["", "text\n", "text\r\n", "#x\n    y\n"])
@pytest.mark.parametrize("spaces", ["    ", "\t\t\t\t", "\xa0 \u3000 ", "      "], ids=ascii)
def test_in_a_line_after_four_spaces_there_are_no_tags_but_urls(before: str, spaces: str) -> None:
    text = f"{before}{spaces}#tag @ada ada@example.com example.org and http://example.net\n#last"
    assert hashtags(text) == ["x"] * ("#x" in before) + ["last"]
    assert mentions(text) == []
    assert urls(text) == ["example.org", "http://example.net"]


def test_three_spaces_or_some_inside_a_line_quote_nothing() -> None:
    assert hashtags("   #one\n   #two and    #three") == ["one", "two", "three"]


def test_a_line_after_a_quote_needs_three_spaces() -> None:
    assert hashtags("    #one\n   #two\n  #three") == ["three"]


# URLs


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com",
        "HTTPS://Example.COM/Index",
        "http://example.com:8080",
        "http://example.com:8080/",
        "http://a.b.example.co.uk",
        "http://sub_domain.ex-ample.com",
        "http://b\xfccher.example.de",
        "http://\u2603.net/snow",
        "http://xn--80ak6aa92e.com",
        "http://example.xn--p1ai/",
        "http://127.0.0.1",
        "http://10.0.0.1:3000/status",
        "http://localhost",
        "http://ci-server:8080/job/1",
        "http://build.internal/",
        "http://build.invalid",
        "http://example.com/a/b-c_d.html",
        "http://example.com/~ada/+1/100%25/a=b;c,d!e",
        "http://example.com/r\xe9sum\xe9",
        "http://example.com/a-",
        "http://example.com/a+",
        "http://example.com/wiki/Python_(language)",
        "http://example.com/f(x).aspx",
        "http://example.com/?q=a|b&r[]=(c)",
        "http://example.com?q=1",
        "http://example.com/#",
        "http://example.com/#/route?x=1",
        "example.com",
        "www.example.org",
        "t.co/abc",
        "example.technology/a",
        "printer.local",
        "\xe9cole.fr",
        "example.com/a?b=c#d",
        "example.com:80/a",
    ],
)
def test_a_url_is_found_alone_and_among_words(url: str) -> None:
    assert urls(url) == urls(f"See {url} now") == urls(f"\n{url}\n") == urls(f"\u3000{url}\u3000") == [url]


@pytest.mark.parametrize("url", ["http://example.com/a", "http://example.com", "http://10.0.0.1", "example.org/a"])
@pytest.mark.parametrize(
    "around", ["({})", "[{}", "{}.", "{}, and", "{}!", "{}...", "{}!!!", "<{}>", ":{};", "{}\u3002"]
)
def test_a_url_ends_before_the_punctuation_of_its_sentence(url: str, around: str) -> None:
    assert urls(around.format(url)) == [url]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("http://example.com/a(b", "http://example.com/a"),
        ("http://example.com/a(b)c)", "http://example.com/a(b)c"),
        ("http://example.com/()", "http://example.com/"),
        ("(http://example.com/a_(b))", "http://example.com/a_(b)"),
        ("http://example.com/a,;.", "http://example.com/a"),
        ("http://example.com/a?b=1.", "http://example.com/a?b=1"),
        ("http://example.com/@", "http://example.com/"),
        ("http://example.com/@@@ada", "http://example.com/"),
        ("http://example.com/.@ada", "http://example.com/"),
        ("http://example.com:http", "http://example.com"),
        ("http://example.com-or-so", "http://example.com"),
        ("http://t.co/AbC9's", "http://t.co/AbC9"),
        ("https://t.co/AbC9-x?y", "https://t.co/AbC9"),
    ],
)
def test_a_url_ends_before_what_cannot_end_it(text: str, found: str) -> None:
    assert urls(text) == urls(f"see {text}") == [found]


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "e.g. this",
        "http://",
        "http:// ",
        "http://x",
        "http://-",
        "http://_x.example.com",
        "http://-x.example.com",
        "http://x-.example.com",
        "http://snake_case.com",
        "http://example.c_m",
        "http://example.x",
        "http://localhost!",
        "http:/localhost",
        "ftp://localhost",
        "main.rs2",
        "module.js",
        "3.14",
        "127.0.0.1",
        "127.0.0.1:80/a",
        "127.0.0.1/a,example.com",
        "127.0.0.1/(example.com)",
        "example.comm",
        "example.invalid",
        "example..com",
        ".com",
        "-.com",
        "x-.com",
        "-x.com",
        "snake_case.com",
        "\u4f8b.\u4f8b.com",
        "ada@example.com",
        "@example.com",
        "#example.com",
        "$example.com",
        "=example.com",
        "/example.com",
        "'example.com'",
        "#http://example.com",
        "@http://example.com",
        "$http://example.com",
        "\ufeffhttp://example.com",
    ],
    ids=ascii,
)
def test_this_is_no_url(text: str) -> None:
    assert urls(text) == urls(f"see {text}") == []


@pytest.mark.parametrize("domain", ["com", "COM", "museum", "fi", "su", "local", "\u0440\u0444", "\u4e2d\u56fd"])
def test_without_a_protocol_a_url_needs_a_known_top_level_domain(domain: str) -> None:
    assert urls(f"see docs.{domain} or docs.{domain}7z or docs.{domain}@x") == [f"docs.{domain}"]


def test_a_host_goes_on_as_far_as_it_can() -> None:
    assert urls("a.com.example.org b.co.example b_c.example.org d.com.e_f") == [
        "a.com.example.org",
        "b.co",
        "c.example.org",
        "d.com",
    ]


def test_without_a_protocol_and_a_path_a_url_is_its_host() -> None:
    assert urls("example.com:8080 example.com?x=1 example.com:8080/?x=1") == [
        "example.com",
        "example.com",
        "example.com:8080/?x=1",
    ]


def test_without_a_protocol_only_latin_hosts_count_and_need_no_spaces_around() -> None:
    text = "\u898b\u3066example.com\u3068\u4f8b.example.org/a\u3068http://\u4f8b.com\u3068"
    assert urls(text) == ["example.com", "example.org/a", "http://\u4f8b.com"]
    assert urls("www.example.com.x.\u4f8b.fi") == ["www.example.com"]


def test_urls_come_in_order_as_often_as_they_are_written() -> None:
    assert urls("b.com a.com,b.com\nhttp://b.com/,a.com c.com") == [
        "b.com",
        "a.com",
        "b.com",
        "http://b.com/,a.com",
        "c.com",
    ]


# Words


def test_words_come_once_in_order_without_their_case() -> None:
    assert words("The build, THE Build_2 & the \u201cStra\xdfe\u201d: STRASSE #42!") == [
        "the",
        "build",
        "build_2",
        "strasse",
        "42",
    ]


@pytest.mark.parametrize("text", ["", " ", "?!", "<>"])
def test_without_letters_and_digits_there_are_no_words(text: str) -> None:
    assert words(text) == words(text, html=True) == []


def test_words_of_html_are_what_a_reader_would_see() -> None:
    html = '<p class="x">Tom &amp; J&eacute;r&#244;me</p><br/>&lt;b&gt; 1 < 2 > 0 <!-- no --><A href="/y">Z&#xe9;</a>'
    assert words(html, html=True) == ["tom", "j\xe9r\xf4me", "b", "1", "2", "0", "z\xe9"]
    assert words("<b>&amp;", html=False) == ["b", "amp"]


@pytest.mark.parametrize(
    "text", ["&#" + "9" * 5000 + ";", "&#xFFFFFF;", "&#0;", "&#55296;", "&nosuch;", "&", "<", "<a"]
)
def test_broken_html_is_read_all_the_same(text: str) -> None:
    assert "end" in words(f"{text} end", html=True)


# Nicks


@pytest.mark.parametrize(
    "text", ["Mike", "ask mike!", "MIKE: hi", "(mike)", "hi\nmike", "mike's", "@mike, mike?", "@ada mike"]
)
def test_a_nick_is_named_as_a_word_in_whichever_case(text: str) -> None:
    assert names_nick(text, "Mike")
    assert names_nick(text, "mIKE")


@pytest.mark.parametrize(
    "text",
    ["", "nobody", "mikes", "amike", "mike_2", "@mike", "@Mike!", "\uff20mike", "@mike.mike", "@ada-mike", "x@mike"],
)
def test_a_nick_is_not_named_inside_a_word_or_after_an_at_sign(text: str) -> None:
    assert not names_nick(text, "Mike")


@pytest.mark.parametrize("nick", ["j.r", "J-R", "r2.d-2", "-x-", "\xc5sa", "Stra\xdfe"])
def test_a_nick_may_have_dots_and_hyphens_which_mean_themselves(nick: str) -> None:
    assert names_nick(f"is {nick.upper()} there?", nick)
    assert not names_nick(f"is {nick}x there, or {nick.replace('.', '+').replace('-', '+')}9?", nick)


def test_without_a_nick_nobody_is_named() -> None:
    assert not names_nick("anybody", "")


# Everything

PIECES = st.sampled_from(["://", "http://", "com", ".co", "\n    ", "\uff03", "\u4f8b", *" #@./:?&()_-aZ"])
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=30).map("".join) | st.text()


@given(TEXTS)
def test_what_is_found_is_in_the_text(text: str) -> None:
    assert all(f"#{tag}" in text or f"\uff03{tag}" in text for tag in hashtags(text))
    assert all(f"@{name}" in text for name in mentions(text))
    assert all(url in text for url in urls(text))
    assert all(word in text.casefold() for word in words(text))


@given(TEXTS, TEXTS)
def test_a_nick_that_is_named_is_in_the_text(text: str, nick: str) -> None:
    assert nick.casefold() in text.casefold() or not names_nick(text, nick)


@given(TEXTS)
def test_any_text_may_be_html(text: str) -> None:
    assert "end" in words(f"{text}> end", html=True)


@given(st.lists(st.from_regex(r"[a-z][a-z0-9_\-]*[a-z0-9]", fullmatch=True)))
def test_tags_of_plain_words_are_found_whatever_they_are(names: list[str]) -> None:
    assert hashtags(" ".join(f"#{name}" for name in names)) == names
    assert mentions(" ".join(f"@{name}" for name in names)) == names
