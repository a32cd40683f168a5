"""The pages of the contract hold every RPC with who may call it, every field and value, and lead nowhere that is not there."""

import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet, SourceCodeInfo
from lawbook import load
from localstack.methods import all_methods
from tartip.access.v1 import access_pb2
from tartip.law.v1 import law_pb2

from .api_pages import DESCRIPTORS, NoComment, Pages, pages, write


class Read(HTMLParser):
    """A page as a browser reads it: what can be led to, what leads where, what each part says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places, self.links, self.open, self.said, self.at = set[str](), list[str](), list[str](), dict[str, str](), ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes it."""
        if tag not in ("meta", "br", "!doctype"):
            self.open.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
                self.at = value
            if name == "href" and value:
                self.links.append(value)

    def handle_endtag(self, tag: str) -> None:
        """Holds it to what was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Adds it to what the part says."""
        self.said[self.at] = self.said.get(self.at, "") + data


@cache
def read() -> dict[str, Read]:
    """All pages."""
    return {name: Read(text) for name, text in pages().items()}


def test_every_rpc_says_who_may_call_it_and_under_which_rules() -> None:
    law, methods = load(), all_methods()
    assert len(methods) > 50
    for method in methods:
        descriptor = method.descriptor
        page, name = read()[f"{descriptor.containing_service.file.package}.html"], descriptor.full_name
        access = descriptor.GetOptions().Extensions[access_pb2.access]
        cited = [law.wordings(each)[-1].citation.en for each in descriptor.GetOptions().Extensions[law_pb2.law].rules]
        wanted = [descriptor.name, descriptor.input_type.name, descriptor.output_type.name, *access.grants, *access.relationships, *cited]
        assert [word for word in wanted if word not in page.said[name]] == [], name
        assert descriptor.name in read()["index.html"].said[""]


def test_every_field_and_every_value_has_its_place_and_its_words() -> None:
    files = [file for file in FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file if file.package.startswith("tartip.")]
    fields = {f"{file.package}.{each.name}.{of.name}": file.package for file in files for each in file.message_type for of in each.field}
    values = {f"{file.package}.{each.name}.{of.name}": file.package for file in files for each in file.enum_type for of in each.value}
    assert len(fields) > 400
    for name, package in (fields | values).items():
        said = read()[f"{package}.html"].said[name]
        assert len(said) > len(name.rpartition(".")[2]), name


def test_what_is_personal_is_marked() -> None:
    assert "(personal)" in read()["tartip.timetracking.v1.html"].said["tartip.timetracking.v1.Finding.badge"]


def test_every_link_leads_somewhere_and_every_page_is_whole() -> None:
    assert len(read()) > 6
    for name, page in read().items():
        assert page.open == [], name
        lost = [link for link in page.links if not leads_somewhere(link)]
        assert lost == [], name


def leads_somewhere(link: str) -> bool:
    page, _, place = link.partition("#")
    return link == "tartip.desc" or (page in read() and (not place or place in read()[page].places))


def test_a_reason_that_an_rpc_refuses_with_leads_to_what_it_means() -> None:
    links = read()["tartip.regimes.v1.html"].links
    assert "tartip.regimes.v1.html#tartip.regimes.v1.ErrorReason.ERROR_REASON_TERM_TOO_LONG" in links


def test_what_says_nothing_of_itself_is_named() -> None:
    files = FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())
    law = next(file for file in files.file if file.name == "tartip/law/v1/law.proto")
    comment: SourceCodeInfo.Location = next(each for each in law.source_code_info.location if "Kazakh." in each.leading_comments)
    comment.leading_comments = ""
    with pytest.raises(NoComment, match=r"tartip\.law\.v1\.LocalizedText\.kk"):
        Pages(files, load()).written()


def test_the_descriptor_set_is_enough_to_generate_code_without_the_protos(tmp_path: Path) -> None:
    write(tmp_path / "api")
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"--descriptor_set_in={tmp_path / 'api' / 'tartip.desc'}",
        f"--python_out={tmp_path}",
    ]
    subprocess.run([*command, "tartip/registry/v1/state_body_service.proto"], check=True)
    assert "StateBody" in (tmp_path / "tartip" / "registry" / "v1" / "state_body_service_pb2.py").read_text()
    assert re.findall(r"[^\w.]/(?:work|root|home)/", "".join(pages().values())) == []
