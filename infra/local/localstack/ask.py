"""Calls any RPC of the running platform: `make ask METHOD=tartip.registry.v1.StateBodyService/GetStateBody JSON='{…}'`."""

import argparse
import asyncio
import json
import os
import shlex
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import grpc.aio
from chassis.purposes import HEADER, KNOWN
from chassis.testing.client import channel
from google.protobuf.message import Message
from tartip_client import Refusal, refusal_of

from localstack.endpoints import Endpoints, NotRunning
from localstack.methods import Method, UnknownMethod, UnreadableJson, all_methods, as_json, method_named
from localstack.token import SignInRefused, token_for

DEADLINE_S = 30.0
LANGUAGES = ("kk", "ru", "en")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Says what the command takes; what is not given is taken from METHOD, JSON, AS, IN and FOR."""
    parser.add_argument("method", nargs="?", default=os.environ.get("METHOD", ""), help="package.Service/Method, or its end")
    parser.add_argument("json", nargs="?", default=os.environ.get("JSON") or "{}", help="the request; a list of them for a client stream")
    parser.add_argument("--as", dest="who", default=os.environ.get("AS") or "hr-officer", help="a person or a system of the realm")
    parser.add_argument("--in", dest="language", choices=LANGUAGES, default=os.environ.get("IN") or "kk", help="the language of refusals")
    parser.add_argument("--for", dest="purpose", default=os.environ.get("FOR") or "", help=f"what it is asked for: {KNOWN}")
    parser.add_argument("--seconds", type=float, default=None, help=f"deadline; {DEADLINE_S:g} unless the answer is a stream")


def run(args: argparse.Namespace) -> int:
    """Asks and prints the answer as JSON, each message of a stream as it comes; 1 where the answer is a refusal.

    Without a method it lists them.
    """
    if not args.method:
        print("Say which RPC with METHOD=…; there are:")
        print("\n".join(f"  {method.path[1:]}" for method in all_methods()))
        return 0
    if args.language not in LANGUAGES:  # from the environment; argparse looks at what is given alone
        print(f"IN={args.language}: answers are in {', '.join(LANGUAGES)}.", file=sys.stderr)
        return 2
    try:
        method = method_named(args.method)
        requests = requests_of(method, args.json)
        target = Endpoints.read().grpc(method.package, method.service)
        print(grpcurl(method, args.json, target, args.who, args.language, args.purpose), file=sys.stderr)
        return asyncio.run(_ask(method, requests, target, args))
    except (UnknownMethod, UnreadableJson, NotRunning, SignInRefused) as problem:
        print(problem, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0


def requests_of(method: Method, text: str) -> list[Message]:
    """Reads the requests: one, or for a client stream a list; UnreadableJson where the text is not that."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UnreadableJson(f"JSON={text!r} cannot be read: {error}") from None
    if not method.descriptor.client_streaming:
        return [method.request(value)]
    return [method.request(each) for each in (value if isinstance(value, list) else [value])]


def grpcurl(method: Method, text: str, target: str, who: str, language: str, purpose: str = "") -> str:
    """Returns the same question for grpcurl, to be pasted into a shell in the repository."""
    body = text
    if method.descriptor.client_streaming and isinstance(json.loads(text), list):
        body = " ".join(json.dumps(each, ensure_ascii=False) for each in json.loads(text))
    headers = f'-H "authorization: Bearer $(make -s token AS={shlex.quote(who)})" -H "accept-language: {language}"'
    headers += f" -H {shlex.quote(f'{HEADER}: {purpose}')}" if purpose else ""
    return f"grpcurl -plaintext -protoset protos/generated/tartip.binpb {headers} -d {shlex.quote(body)} {target} {method.path[1:]}"


def rendered(refusal: Refusal, language: str) -> str:
    """Returns a refusal for people: what, why, under which article, and what to correct."""
    lines = [f"{refusal.code}: {refusal.text or refusal.message}"]
    if refusal.reason:
        facts = ", ".join(f"{name}={value}" for name, value in sorted(refusal.facts.items()))
        lines.append(f"  reason   {refusal.reason} ({refusal.domain})" + (f": {facts}" if facts else ""))
    if refusal.basis is not None:
        citation, title = (getattr(text, language) for text in (refusal.basis.citation, refusal.basis.title))
        lines.append(f"  law      {citation}: {title}")
        lines.append(f"           {refusal.basis.rule}, since {refusal.basis.in_force_since}, edition {refusal.basis.edition}")
    lines += [f"  field    {field or 'the whole request'}: {right}" for field, right in refusal.violations.items()]
    if refusal.retry_after_s is not None:
        lines.append(f"  again    in {refusal.retry_after_s:g} s")
    return "\n".join(lines)


async def _ask(method: Method, requests: Sequence[Message], target: str, args: argparse.Namespace) -> int:
    token = await token_for(args.who)
    seconds = args.seconds or (None if method.descriptor.server_streaming else DEADLINE_S)
    async with channel(target, token, args.language) as asked:
        try:
            async for message in answers(asked, method, requests, seconds, args.purpose):
                print(as_json(message), flush=True)
        except grpc.RpcError as error:
            print(rendered(refusal_of(error), args.language), file=sys.stderr)
            return 1
    return 0


async def answers(
    asked: grpc.aio.Channel, method: Method, requests: Sequence[Message], seconds: float | None, purpose: str = ""
) -> AsyncIterator[Message]:
    """Calls the method, whichever kind it is, saying what for, and yields what it answers."""
    kinds: dict[tuple[bool, bool], Any] = {
        (False, False): asked.unary_unary,
        (False, True): asked.unary_stream,
        (True, False): asked.stream_unary,
        (True, True): asked.stream_stream,
    }
    streamed, streams = method.descriptor.client_streaming, method.descriptor.server_streaming
    call = kinds[streamed, streams](method.path, request_serializer=_bytes, response_deserializer=method.answer)
    metadata = ((HEADER, purpose),) if purpose else ()
    answer = call(_each(requests) if streamed else requests[0], timeout=seconds, metadata=metadata)
    if not streams:
        yield await answer
        return
    async for message in answer:
        yield message


def _bytes(request: Message) -> bytes:
    return request.SerializeToString()


async def _each(requests: Sequence[Message]) -> AsyncIterator[Message]:
    for request in requests:
        yield request
