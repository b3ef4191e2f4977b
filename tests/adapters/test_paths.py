from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType, SimpleNamespace

import pytest
from pydantic import BaseModel, ConfigDict

from costspan.adapters._paths import member, members, path, text_of


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str = "known"


@dataclass
class Slotted:
    __slots__ = ("name",)
    name: str


class Modality(Enum):
    AUDIO = "AUDIO"


@pytest.mark.parametrize(
    "holder",
    [
        {"name": "known"},
        MappingProxyType({"name": "known"}),
        Model(),
        SimpleNamespace(name="known"),
        Slotted("known"),
    ],
)
def test_a_member_is_found_in_any_kind_of_object(holder):
    assert member(holder, "name") == "known"
    assert member(holder, "absent") is None


def test_pydantic_keeps_undeclared_fields_and_they_are_found():
    model = Model(undeclared=5)

    assert member(model, "undeclared") == 5
    assert members(model) == {"name": "known", "undeclared": 5}


def test_a_models_class_is_no_model():
    """What shape an answer is to have is given as a class: it has descriptors where a model has its fields."""
    assert member(Model, "undeclared") is None
    assert "undeclared" not in members(Model)


def test_what_stands_in_place_of_undeclared_fields_is_not_asked_what_it_is():
    class Odd:
        def __bool__(self):
            raise ValueError

    assert members(SimpleNamespace(name="known", __pydantic_extra__=Odd()))["name"] == "known"


def test_what_cannot_be_listed_is_told():
    assert members(Slotted("known")) is None
    assert members(MappingProxyType({})) is None
    assert members(None) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a.b", 1),
        ("a.absent.c", None),
        ("absent|a.b", 1),
        ("absent|gone", None),
        ("list.*.n", [1, 2]),
        ("list.0.n", 1),
        ("list.-1.n", 2),
        ("list.7.n", None),
        ("a.0", None),
        ("a.*", None),
        ("list.*.absent", None),
        ("list.*.absent|list.*.n", [1, 2]),
        ("list.kind=AUDIO.n", 1),
        ("list.kind=VIDEO.n", None),
        ("a.kind=AUDIO.n", None),
        ("absent.*.n", None),
        ("parts.kind=T.n", 7),
        ("one.kind=T.n", 3),
        ("one.kind=U.n", None),
    ],
)
def test_a_path_reads_what_is_there_and_none_for_what_is_not(text, wanted):
    value = {
        "a": {"b": 1},
        "list": [{"kind": Modality.AUDIO, "n": 1}, {"kind": "TEXT", "n": 2}],
        "parts": [{"kind": "T", "n": 3}, {"kind": "T", "n": 4}, {"kind": "T", "n": "odd"}],
        "one": {"kind": "T", "n": 3},
    }

    assert path(text)(value) == wanted


def test_entries_picked_without_a_count_are_none():
    assert path("p.k=T.n")({"p": [{"k": "T", "n": "a"}, {"k": "T", "n": "b"}]}) is None


def test_an_iterator_is_left_alone():
    numbers = iter([{"n": 1}])

    assert path("list.*.n")({"list": numbers}) is None
    assert next(numbers) == {"n": 1}


def test_only_text_is_text():
    assert text_of("a") == "a"
    assert text_of(Modality.AUDIO) == "AUDIO"
    assert text_of(5) == ""
    assert text_of(None) == ""
