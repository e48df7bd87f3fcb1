"""Holds UBL 2.1 against the schemas of OASIS by libxml2; prints reader, file and verdict, tab-separated. The first
argument is the archive of the schemas as published, the second a file of what `portolan validate --json` says of each
file (path, tab, JSON), the others are files. `ok` means: both find nothing, or, of an input, both find something. An
`out.*` in which both find something is one that the service would never send; where only one of them does, that is said.

Two namespaces are imported there without a place: the core component types and XML Signature. What UBL needs of them
stands in `oracles/ubl/`."""

import io
import json
import re
import sys
import zipfile
from functools import cache

from lxml import etree

archive, verdicts = sys.argv[1], sys.argv[2]
ROOT = "urn:oasis:names:specification:ubl:schema:xsd:"
OWN = {
    "urn:un:unece:uncefact:data:specification:CoreComponentTypeSchemaModule:2": "core-component-types.xsd",
    "http://www.w3.org/2000/09/xmldsig#": "signature.xsd",
}
# Effects of ours that a schema knows nothing of.
BEYOND = ("GUIDE-", "DOCUMENT-", "XML-INTERCHANGE-")


class Packed(etree.Resolver):
    """Schemas by their path in the archive, and our own."""

    def __init__(self, archive):
        self.archive = zipfile.ZipFile(archive)

    def resolve(self, url, public_id, context):
        path = url.removeprefix("packed:/")
        if path.startswith("own/"):
            return self.resolve_filename("oracles/ubl/" + path.removeprefix("own/"), context)
        return self.resolve_string(self.archive.read(path), context, base_url=url)


@cache
def parser():
    made = etree.XMLParser(no_network=True, resolve_entities=False)
    made.resolvers.add(Packed(archive))
    return made


@cache
def schema(kind):
    imports = [(space, f"packed:/own/{file}") for space, file in OWN.items()]
    imports.append((f"{ROOT}{kind}-2", f"packed:/maindoc/UBL-{kind}-2.1.xsd"))
    lines = "".join(f'<xs:import namespace="{space}" schemaLocation="{place}"/>' for space, place in imports)
    text = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{lines}</xs:schema>'
    return etree.XMLSchema(etree.parse(io.StringIO(text), parser(), base_url="packed:/all.xsd"))


def complaints(path):
    try:
        document = etree.parse(path, etree.XMLParser(no_network=True, resolve_entities=False))
    except etree.XMLSyntaxError as error:
        return [f"not well-formed: {error.msg}"]
    kind = etree.QName(document.getroot()).localname
    checked = schema(kind)
    checked.validate(document)
    return [re.sub(r"\{[^}]*\}", "", error.message) for error in checked.error_log]


def ours(path):
    report = [finding for item in own.get(path, []) for finding in item["report"]]
    return [finding for finding in report if finding["severity"] == "error" and not finding["code"].startswith(BEYOND)]


with open(verdicts, encoding="utf-8") as file:
    own = {path: json.loads(text) for path, text in (line.rstrip("\n").split("\t", 1) for line in file)}
for name in sys.argv[3:]:
    theirs, found = complaints(name), ours(name)
    if theirs and found and "/out." in name:
        said = f"both find: {found[0]['code']}, {theirs[0]}"
    elif theirs and not found:
        said = f"only the schema finds: {theirs[0]}"
    elif found and not theirs:
        said = f"only we find: {found[0]['code']}, found {found[0]['found']}"
    else:
        said = "ok"
    print("libxml2", name, said, sep="\t")
