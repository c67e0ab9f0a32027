"""Containers that branch, against plain ones that are copied."""

from __future__ import annotations

import gc
from collections.abc import Iterable, MutableMapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from fakeflowdock import FakeFlowdock
from fakeflowdock.world import copy_on_write, word_index
from fakeflowdock.world.copy_on_write import Groups, Inheriting, Layered, Numbered, branch, later
from fakeflowdock.world.id_sets import IdSet, Index
from fakeflowdock.world.message_store import Filter, FlowArchive
from fakeflowdock.world.models import Message
from fakeflowdock.world.store import START
from fakeflowdock.world.word_index import SHORT, WordIndex
from tests.support.hypothesis_profiles import examples

pytestmark = pytest.mark.newest_only

KEYS = st.integers(0, 12)
TEXTS = ["the", "said", "told", "evenly", "oddly"]
Pair = tuple[MutableMapping[int, int], dict[int, int]]


class Mappings(RuleBasedStateMachine):
    """Mappings, forks of them and forks of those, each beside a dict that went through the same."""

    def first(self) -> MutableMapping[int, int]:
        return {}

    def shown(self, entries: Iterable[Any]) -> list[Any]:
        return list(entries)

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[Pair] = [(self.first(), {})]
        self.frozen: list[Pair] = []

    @rule(which=st.integers(0), key=KEYS, value=st.integers(0, 3))
    def write(self, which: int, key: int, value: int) -> None:
        for mapping in self.pairs[which % len(self.pairs)]:
            mapping[key] = value

    @rule(which=st.integers(0), keys=st.lists(KEYS))
    def delete(self, which: int, keys: list[int]) -> None:
        ours, plain = self.pairs[which % len(self.pairs)]
        for key in keys:
            if key in plain:
                del ours[key], plain[key]
            else:
                with pytest.raises(KeyError):
                    del ours[key]

    @rule(which=st.integers(0), key=KEYS)
    def read_or_write(self, which: int, key: int) -> None:
        ours, plain = self.pairs[which % len(self.pairs)]
        assert ours.setdefault(key, 7) == plain.setdefault(key, 7)
        assert ours.pop(key + 1, None) == plain.pop(key + 1, None)

    @rule(which=st.integers(0))
    def clear(self, which: int) -> None:
        for mapping in self.pairs[which % len(self.pairs)]:
            mapping.clear()

    @rule(which=st.integers(0))
    def fork(self, which: int) -> None:
        """One that forks hands over what it has, and goes on with a branch itself."""
        place = which % len(self.pairs)
        ours, plain = self.pairs[place]
        self.frozen.append((ours, plain))
        self.pairs[place] = (branch(ours), dict(plain))
        self.pairs.append((branch(ours), dict(plain)))

    @rule(which=st.integers(0))
    def fork_what_is_frozen(self, which: int) -> None:
        if self.frozen:
            ours, plain = self.frozen[which % len(self.frozen)]
            self.pairs.append((branch(ours), dict(plain)))

    @invariant()
    def each_is_what_its_dict_is(self) -> None:
        for ours, plain in [*self.pairs, *self.frozen]:
            assert self.shown(ours.items()) == self.shown(plain.items())
            assert (self.shown(ours), self.shown(ours.values())) == (self.shown(plain), self.shown(plain.values()))
            assert len(ours) == len(plain)
            assert ours == plain
            assert [ours.get(key, -1) for key in range(14)] == [plain.get(key, -1) for key in range(14)]
            for key in range(14):
                assert (key in ours) == (key in plain)
                if key in plain:
                    assert ours[key] == plain[key]
                else:
                    with pytest.raises(KeyError):
                        ours[key]


class NumberedMappings(Mappings):
    """The same with numbers, which are kept in a list unless there are too many gaps, in an order of their own."""

    def first(self) -> MutableMapping[int, int]:
        return Numbered()

    def shown(self, entries: Iterable[Any]) -> list[Any]:
        return sorted(entries)


@pytest.mark.parametrize("few", [-1, 3])
@pytest.mark.parametrize("kind", [Mappings, NumberedMappings])
def test_a_mapping_and_its_forks_are_dicts_to_their_readers(
    kind: type[Mappings], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_on_write, "FEW", few)
    monkeypatch.setattr(copy_on_write, "GAPS", 3)
    run_state_machine_as_test(kind, settings=examples(40, stateful_step_count=30))


def test_numbers_read_in_their_order_and_what_is_far_away_takes_no_room() -> None:
    mapping: Numbered[str] = Numbered([(2, "b"), (10**18, "far"), (1, "a"), (40, "d"), (0, "zero"), (4, "c")])
    assert dict(mapping) == {1: "a", 2: "b", 4: "c", 40: "d", 10**18: "far", 0: "zero"}
    assert list(mapping) == [1, 2, 4, 40, 10**18, 0]
    assert mapping.get(None) is mapping.get("1") is mapping.get(3) is None
    assert repr(mapping) == "<Numbered, 6 entries>"
    every_thousandth: Numbered[int] = Numbered((1000 * number, number) for number in range(1, 1000))
    assert len(every_thousandth._listed) < 2 * len(every_thousandth) + 2 * copy_on_write.GAPS
    assert all(every_thousandth[1000 * number] == number for number in range(1, 1000))


def depth(mapping: Any) -> int:
    return 1 + depth(mapping._base) if isinstance(mapping, Layered) else 1


def test_layers_stay_few_however_often_a_mapping_is_forked() -> None:
    mapping: MutableMapping[int, int] = dict.fromkeys(range(5000), 0)
    for number in range(5000):
        mapping = branch(mapping)
        mapping[number * 7919 % 10_000] = number
        if number % 3 == 0:
            mapping.pop(number, None)
        assert depth(mapping) < 16


class Shelf(Inheriting):
    """Two containers."""

    late: dict[str, int] = later(dict)

    def __init__(self) -> None:
        self.now = {"first": 1}


def test_what_is_declared_as_late_is_taken_over_when_it_is_first_used() -> None:
    origin = Shelf()
    origin.late["first"] = 1
    twin = origin.branch()
    assert "late" not in vars(twin)
    third = twin.branch()  # before its origin has used it
    third.late["second"] = third.now["second"] = 2
    assert origin.late == twin.late == origin.now == twin.now == {"first": 1}
    assert third.late == third.now == {"first": 1, "second": 2}
    assert third.late is third.late


def test_a_fork_that_was_not_written_to_adds_no_layer() -> None:
    base = dict.fromkeys(range(100), 0)
    mapping: MutableMapping[int, int] = base
    for _ in range(100):
        mapping = branch(mapping)
    assert depth(mapping) == 2
    assert repr(mapping) == "<Layered, 100 entries: 0 of its own>"


def test_neither_a_fork_nor_a_write_to_one_looks_at_every_entry() -> None:
    class Counting(dict[int, int]):
        def __iter__(self) -> Any:
            raise AssertionError("every entry was looked at")

        keys = values = items = copy = __iter__

    mapping: MutableMapping[int, int] = Layered(Counting(dict.fromkeys(range(1000), 0)))
    for number in range(10):
        mapping = branch(mapping)
        mapping[number] = mapping[2000 + number] = 1
        del mapping[100 + number]
    assert len(mapping) == 1000


@pytest.mark.parametrize("few", [0, 100])
def test_groups_branch_what_is_written_to_and_nothing_else(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_on_write, "FEW", few)
    groups: Groups[str, dict[int, None]] = Groups()
    for name in ("a", "b", "c"):
        groups.own(name, dict)[1] = None
    one, two = branch(groups), branch(groups)
    one.own("a")[2] = None
    two.own("d", dict)[1] = None
    two.discard("b")
    two.discard("e")
    two.own("b", dict)[3] = None
    two["c"] = {4: None}
    assert {name: list(one[name]) for name in one} == {"a": [1, 2], "b": [1], "c": [1]}
    assert {name: list(two[name]) for name in two} == {"a": [1], "b": [3], "c": [4], "d": [1]}
    assert {name: list(groups[name]) for name in groups} == {"a": [1], "b": [1], "c": [1]}
    assert one.own("a") is one["a"]
    assert one["b"] is groups["b"] or few == 0
    assert (len(one), len(two), "d" in one, one.get("d"), two.get("d")) == (3, 4, False, None, {1: None})
    with pytest.raises(KeyError):
        one.own("d")


NUMBERS = st.integers(1, 3000)


class Indexes(RuleBasedStateMachine):
    """Indexes of numbers by name and by word, and their forks, each beside a dict of sets."""

    def __init__(self) -> None:
        super().__init__()
        self.known: list[tuple[Index, WordIndex, dict[str, set[int]]]] = [(Index(), WordIndex(), {})]

    @rule(which=st.integers(0), name=st.sampled_from("ab"), first=NUMBERS, count=st.sampled_from([1, 1, 2, 700]))
    def add(self, which: int, name: str, first: int, count: int) -> None:
        index, words, sets = self.known[which % len(self.known)]
        for number in range(first, first + count):
            if number not in sets.setdefault(name, set()):
                index.add(name, number)
                words.add([name], number)
                sets[name].add(number)

    @rule(which=st.integers(0), name=st.sampled_from("ab"), count=st.sampled_from([1, 2, 500]), data=st.data())
    def discard(self, which: int, name: str, count: int, data: st.DataObject) -> None:
        index, words, sets = self.known[which % len(self.known)]
        numbers = sorted(sets.get(name, ()))
        if numbers:
            first = data.draw(st.integers(0, len(numbers) - 1))
            for number in numbers[first : first + count]:
                index.discard(name, number)
                words.discard([name], number)
                sets[name].discard(number)

    @rule(which=st.integers(0))
    def fork(self, which: int) -> None:
        place = which % len(self.known)
        index, words, sets = self.known[place]
        self.known[place] = (branch(index), branch(words), {name: set(numbers) for name, numbers in sets.items()})
        self.known.append((branch(index), branch(words), {name: set(numbers) for name, numbers in sets.items()}))

    @invariant()
    def each_finds_what_its_sets_have(self) -> None:
        for index, words, sets in self.known:
            for name in "ab":
                expected = sorted(sets.get(name, ()))
                assert listed(index[name]) == listed(words.find([name])) == expected
                assert (name in index) == bool(expected)
            assert listed(words.find("ab")) == sorted(sets.get("a", set()) & sets.get("b", set()))
            assert listed(words.find(["a", "never"])) == listed(words.find([])) == []


def listed(numbers: IdSet) -> list[int]:
    return numbers.page(10_000)


@pytest.mark.parametrize("few", [0, 64])
def test_indexes_and_their_forks_find_what_sets_would(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_on_write, "FEW", few)
    run_state_machine_as_test(Indexes, settings=examples(8, stateful_step_count=30))


def test_a_word_of_many_messages_is_found_together_with_a_word_of_few() -> None:
    words = WordIndex()
    for number in range(1, 3 * SHORT):
        words.add(["the", *(["even"] if number % 2 == 0 else []), *(["rare"] if number % 100 == 0 else [])], number)
    assert listed(words.find(["rare", "the", "even"])) == list(range(100, 3 * SHORT, 100))
    assert len(words.find(["the", "even"])) == 3 * SHORT // 2 - 1
    words.discard(["the", "even"], 2)
    assert len(words.find(["the", "even"])) == 3 * SHORT // 2 - 2


@pytest.mark.parametrize("few", [0, 64])
@pytest.mark.parametrize("searched", [0.0, 0.05, 1.0])
def test_each_fork_finds_its_own_messages_however_late_it_is_searched(
    few: int, searched: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_on_write, "FEW", few)
    random, flows = Random(f"{few} {searched}"), [FlowArchive()]  # noqa: S311  # the same each time
    for number in range(1, 400):
        place = random.randrange(len(flows))
        flow = flows[place]
        known, content = [*flow.messages.values()], " ".join(random.sample(TEXTS, 2))
        kind = random.choice(["add", "add", "add", "change", "remove", "fork"])
        if kind == "add":
            flow.add(Message("main", number, "message", 1, None, START, (), content=content))
        elif kind == "fork":
            flows[place] = branch(flow)
            flows.append(branch(flow))
        elif known and kind == "change":
            flow.change(replace(random.choice(known), content=content))
        elif known:
            flow.remove(random.choice(known))
        if random.random() < searched:
            assert_each_word_is_found(random.choice(flows))
    for flow in flows:
        assert_each_word_is_found(flow)


def test_nothing_is_indexed_by_words_before_the_first_search(monkeypatch: pytest.MonkeyPatch) -> None:
    indexed: list[int] = []

    def words_of(message: Message) -> set[str]:
        indexed.append(message.id)
        return {"the"}

    monkeypatch.setattr(word_index, "words_of", words_of)
    flow = FlowArchive()
    for number in range(1, 101):
        flow.add(Message("main", number, "message", 1, None, START, (), content="the"))
    fork, other = branch(flow), branch(flow)
    fork.add(Message("main", 101, "message", 1, None, START, (), content="the"))
    assert indexed == []
    assert len(fork.find(Filter(200, keywords=["the"]))) == 101
    assert indexed == [*range(1, 102)]
    assert len(other.find(Filter(200, keywords=["the"]))) == 100  # what both began with is indexed once
    assert indexed == [*range(1, 102)]


def test_a_world_that_is_never_searched_keeps_no_messages_that_were_removed_between_its_snapshots() -> None:
    fake = FakeFlowdock()
    for number in range(60):
        message = fake.add_message(f"removed {number}")
        fake.snapshot()
        fake.remove_message(message)
        fake.snapshot()
    gc.collect()
    kept = [each for each in gc.get_objects() if type(each) is Message and str(each.content).startswith("removed ")]
    assert len(kept) < 10


def assert_each_word_is_found(flow: FlowArchive) -> None:
    for word in TEXTS:
        expected = [number for number, each in sorted(flow.messages.items()) if word in str(each.content).split()]
        assert [each.id for each in flow.find(Filter(1_000, keywords=[word]))] == expected
