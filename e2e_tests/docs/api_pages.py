"""`make api-docs`: build/api, pages of every RPC, message and enum for those who call from outside, and the descriptor set of it all.

What stands in them are the comments of the protos, and what the options declare: who may call, under which rules of law, which fields
are for whose eyes. No generator at hand shows options of one's own.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)
from lawbook import Lawbook, load
from tartip.access.v1 import access_pb2
from tartip.law.v1 import law_pb2

from .error_catalogue import ROOT

DESCRIPTORS = ROOT / "protos" / "generated" / "tartip.binpb"
FOLDER = ROOT / "build" / "api"
OURS = "tartip."
# Numbers of google/protobuf/descriptor.proto, of which the places of comments are made.
MESSAGES, ENUMS, SERVICES, FIELDS, NESTED, INNER_ENUMS, VALUES, METHODS = 4, 5, 6, 2, 3, 4, 2, 2
REASON = re.compile(r"\b[A-Z][A-Z]+(?:_[A-Z]+)*\b")
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --link: #0b62c4 }
@media (prefers-color-scheme: dark) { :root { --link: #7db7ff } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem }
a { color: var(--link); text-decoration: none } a:hover { text-decoration: underline }
h1 { font-size: 1.6rem } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line) } h3 { margin: 2rem 0 .3rem }
code, .type { font: .9em ui-monospace, monospace } code { background: var(--soft); padding: .1em .3em; border-radius: .2rem }
table { border-collapse: collapse; width: 100% } td, th { border: 1px solid var(--line); padding: .3rem .5rem; text-align: left; vertical-align: top }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0 } dt { opacity: .7 } dd { margin: 0 }
"""


class NoComment(Exception):
    """Something of the contract says nothing of itself."""


@dataclass(slots=True)
class Page:
    """The page of one package, as it is written."""

    package: str
    services: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Full names of its RPCs, each with the first sentence of its comment."""

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.package}.html"


class Comments:
    """What a file says of its parts, by their place."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self._said = {tuple(each.path): each.leading_comments.strip() for each in file.source_code_info.location}

    def at(self, place: tuple[int, ...], name: str) -> str:
        """The comment of a part; NoComment."""
        if not (said := self._said.get(place, "")):
            raise NoComment(name)
        return " ".join(said.split())


class Pages:
    """Writes the pages of all packages of a descriptor set."""

    def __init__(self, files: FileDescriptorSet, law: Lawbook) -> None:
        self._law = law
        self._files = [file for file in files.file if file.package.startswith(OURS)]
        self._reasons = {
            file.package: {value.name.removeprefix("ERROR_REASON_") for enum in file.enum_type for value in enum.value}
            for file in self._files
            if file.name.endswith("/error_reason.proto")
        }
        self._comments = Comments(self._files[0])
        self._pages: dict[str, Page] = {}

    def written(self) -> dict[str, str]:
        """Returns the pages by the names of their files."""
        for file in self._files:
            page = self._pages.setdefault(file.package, Page(file.package))
            self._comments = Comments(file)
            page.services += [self._service(page, each, (SERVICES, place)) for place, each in enumerate(file.service)]
            for place, message in enumerate(file.message_type):
                page.types += self._message(page, message, (MESSAGES, place), file.package)
            page.types += [self._enum(page, each, (ENUMS, place), file.package) for place, each in enumerate(file.enum_type)]
        shown = {
            page.name: _whole(page.package, "".join(["<p><a href='index.html'>all packages</a></p>", *page.services, *page.types]))
            for page in self._pages.values()
        }
        return shown | {"index.html": _whole("Tartip: the contract", "".join(self._index()))}

    def _index(self) -> Iterator[str]:
        yield "<p>What each RPC does, who may call it, and under which rules of law. The same for machines: <a href='tartip.desc'>tartip.desc</a>.</p>"
        for page in sorted(self._pages.values(), key=lambda each: each.package):
            yield f"<h2><a href='{page.name}'>{page.package}</a></h2>"
            rows = "".join(
                f"<tr><td><a href='{page.name}#{name}'>{_short(name)}</a></td><td>{escape(says)}</td></tr>" for name, says in page.calls
            )
            yield f"<table>{rows}</table>" if rows else "<p>Messages alone.</p>"

    def _service(self, page: Page, service: ServiceDescriptorProto, place: tuple[int, ...]) -> str:
        name = f"{page.package}.{service.name}"
        methods = [self._method(page, name, each, (*place, METHODS, at)) for at, each in enumerate(service.method)]
        return f"<h2 id='{name}'>{service.name}</h2><p>{self._said(page, place, name)}</p>" + "".join(methods)

    def _method(self, page: Page, service: str, method: MethodDescriptorProto, place: tuple[int, ...]) -> str:
        name = f"{service}.{method.name}"
        page.calls.append((name, self._comments.at(place, name).partition(". ")[0].rstrip(".") + "."))
        asked, answered = (
            f"{'stream of ' * streamed}{self._type(kind)}"
            for kind, streamed in ((method.input_type, method.client_streaming), (method.output_type, method.server_streaming))
        )
        rows = {"takes": asked, "answers": answered, **self._who_may(method), **self._under(method)}
        listed = "".join(f"<dt>{word}</dt><dd>{value}</dd>" for word, value in rows.items())
        return f"<h3 id='{name}'>{method.name}</h3><p>{self._said(page, place, name)}</p><dl>{listed}</dl>"

    def _who_may(self, method: MethodDescriptorProto) -> dict[str, str]:
        access = method.options.Extensions[access_pb2.access]
        scope = access_pb2.Scope.Name(access.scope).removeprefix("SCOPE_").lower().replace("_", " ")
        rows = {
            "grants": ", ".join(f"<code>{each}</code>" for each in access.grants),
            "relationships": ", ".join(f"<code>{each}</code>" for each in access.relationships),
            "within": scope,
        }
        if access.purpose:
            rows["purpose"] = "is to be said, in the metadata <code>tartip-purpose</code>"
        return {word: value for word, value in rows.items() if value}

    def _under(self, method: MethodDescriptorProto) -> dict[str, str]:
        rules = method.options.Extensions[law_pb2.law].rules
        cited = [f"<code>{each}</code> {escape(self._law.wordings(each)[-1].citation.en)}" for each in rules]
        return {"law": "<br>".join(cited)} if cited else {}

    def _message(self, page: Page, message: DescriptorProto, place: tuple[int, ...], within: str) -> Iterator[str]:
        name = f"{within}.{message.name}"
        rows = [self._field(page, message, each, (*place, FIELDS, at), name) for at, each in enumerate(message.field)]
        table = f"<table><tr><th>field</th><th>type</th><th>what it says</th></tr>{''.join(rows)}</table>" if rows else ""
        yield f"<h3 id='{name}'>{_within(name, page.package)}</h3><p>{self._said(page, place, name)}</p>{table}"
        for at, each in enumerate(message.nested_type):
            if not each.options.map_entry:
                yield from self._message(page, each, (*place, NESTED, at), name)
        for at, enum in enumerate(message.enum_type):
            yield self._enum(page, enum, (*place, INNER_ENUMS, at), name)

    def _field(self, page: Page, message: DescriptorProto, of: FieldDescriptorProto, place: tuple[int, ...], within: str) -> str:
        kind = self._type(of.type_name) if of.type_name else FieldDescriptorProto.Type.Name(of.type).removeprefix("TYPE_").lower()
        if of.label == FieldDescriptorProto.LABEL_REPEATED:
            kind = f"repeated {kind}"
        notes = []
        if of.HasField("oneof_index") and not of.proto3_optional:
            notes.append(f"one of <code>{message.oneof_decl[of.oneof_index].name}</code>")
        if seen_by := of.options.Extensions[access_pb2.data_class]:
            notes.append(access_pb2.DataClass.Name(seen_by).removeprefix("DATA_CLASS_").lower())
        said = "".join(f" <i>({each})</i>" for each in notes)
        name = f"{within}.{of.name}"
        return f"<tr><td id='{name}'><code>{of.name}</code></td><td class='type'>{kind}</td><td>{self._said(page, place, name)}{said}</td></tr>"

    def _enum(self, page: Page, enum: EnumDescriptorProto, place: tuple[int, ...], within: str) -> str:
        name = f"{within}.{enum.name}"
        values = [
            f"<tr><td id='{name}.{each.name}'><code>{each.name}</code></td><td>{each.number}</td><td>{self._said(page, (*place, VALUES, at), each.name)}</td></tr>"
            for at, each in enumerate(enum.value)
        ]
        return f"<h3 id='{name}'>{_within(name, page.package)}</h3><p>{self._said(page, place, name)}</p><table>{''.join(values)}</table>"

    def _type(self, name: str) -> str:
        full = name.removeprefix(".")
        package = next((file.package for file in self._files if full.startswith(f"{file.package}.")), "")
        return f"<a href='{package}.html#{full}'>{_short(full)}</a>" if package else full

    def _said(self, page: Page, place: tuple[int, ...], name: str) -> str:
        """A comment with its code as code, and the reasons of refusals that it names as links."""
        text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(self._comments.at(place, name), quote=False))
        known = self._reasons.get(page.package, set())
        link = f"<a href='{page.name}#{page.package}.ErrorReason.ERROR_REASON_"
        return REASON.sub(lambda found: f"{link}{found[0]}'>{found[0]}</a>" if found[0] in known else found[0], text)


def pages() -> Mapping[str, str]:
    """The pages of the protos as they were generated last, by the names of their files."""
    return Pages(FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()), load()).written()


def _whole(title: str, body: str) -> str:
    head = f"<meta charset='utf-8'><meta name='viewport' content='width=device-width'><title>{title}</title><style>{STYLE}</style>"
    return f"<!doctype html>\n<html lang='en'><head>{head}</head><body><h1>{title}</h1>\n{body}\n</body></html>\n"


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _within(name: str, package: str) -> str:
    return name.removeprefix(f"{package}.")


def write(folder: Path = FOLDER) -> None:
    """Writes the pages, and the descriptor set beside them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
    shutil.copy(DESCRIPTORS, folder / "tartip.desc")


if __name__ == "__main__":
    write()
    print(f"{FOLDER.relative_to(ROOT)}/index.html, and the descriptor set tartip.desc beside it")
