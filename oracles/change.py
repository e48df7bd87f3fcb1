"""Changes documents of XML in one place each and writes the changed ones below a folder: the first argument is the
folder, the second how many of each document, the others are files. What is changed is the same at each run: elements taken
out, doubled, moved behind the next one, emptied or filled with another text, and attributes taken out."""

import copy
import os
import random
import sys

from lxml import etree

folder, most = sys.argv[1], int(sys.argv[2])


# Texts at the edge of what decimals, days, times and flags may be, and beyond it.
VALUES = [
    "no such value!", "1e5", "+1", ".5", "5.", "-0", "1 000", "1,5", "INF", " 7 ", "2026-02-30", "2024-02-29", "2026-1-1",
    "20261124", "2026-11-24Z", "2026-11-24+14:00", "2026-11-24+14:30", "0000-01-01", "-0044-03-15", "12026-01-01",
    "2026-11-24T10:00:00", "10:00", "10:00:00", "24:00:00", "24:00:01", "24:00:00.4", "10:00:60", "10:00:00.123Z", "yes",
    "1", "TRUE", "true", " true ",
]  # fmt: skip


def without(element):
    element.getparent().remove(element)


def twice(element):
    element.addnext(copy.deepcopy(element))


def later(element):
    element.getnext().addnext(element)


def emptied(element):
    element.text = None


def filled(text):
    def way(element):
        element.text = text

    way.__name__ = "filled-" + "".join(sign if sign.isalnum() else "_" for sign in text)
    return way


def bare(element):
    for name in list(element.attrib):
        del element.attrib[name]


def ways(element):
    if element.getparent() is not None:
        yield from (without, twice)
        if element.getnext() is not None and element.getnext().tag != element.tag:
            yield later
    if len(element) == 0:
        yield emptied
        yield from map(filled, VALUES)
    if element.attrib:
        yield bare


for name in sys.argv[3:]:
    tree = etree.parse(name)
    elements = [one for one in tree.iter() if isinstance(one.tag, str)]
    changes = [(at, way) for at, one in enumerate(elements) for way in ways(one)]
    chosen = random.Random(name).sample(changes, min(most, len(changes)))
    for at, way in chosen:
        changed = copy.deepcopy(tree)
        way([one for one in changed.iter() if isinstance(one.tag, str)][at])
        path = os.path.join(folder, os.path.dirname(name), f"{at}-{way.__name__}.xml")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        changed.write(path, xml_declaration=True, encoding="UTF-8")
        print(path)
