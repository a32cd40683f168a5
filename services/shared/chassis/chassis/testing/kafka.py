"""A real Kafka on this machine, in KRaft mode: one process that is broker and controller, for tests and for the local stack.

It listens on 127.0.0.1 without passwords, keeps its data in a folder, and can be killed and started again on the same port.
Java and Maven are needed: see `chassis.testing.artifacts`.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from chassis.testing.artifacts import NAMED, ROOT, Say, announce, fetched, java
from chassis.testing.cluster import Cluster
from chassis.testing.daemons import LOOK_AGAIN_S, Daemon, NotStarted
from chassis.testing.ports import free_ports
from chassis.topics import read

TOPICS = ROOT / "infra" / "kafka" / "topics.yaml"
ENVIRONMENT = "local"
# Topics that tests name themselves: as many partitions as the in-process broker gives.
PARTITIONS = 4
ANSWERS_WITHIN_S = 60.0
READY = "Kafka Server started"
# Who comes in by the door in clear may do everything; all others what they were given.
GUARDED: Mapping[str, str] = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
}
# One cluster a folder, and nobody else's: any name will do.
CLUSTER = "tartip-local-kafka-0000"
# Most of the time of a start goes into loading and compiling what runs once.
JVM = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# What is made ready beside the jars: their classes as they lie in memory, and a folder that is formatted. A fresh broker is there
# in half the time.
CLASSES, FORMATTED = "classes.jsa", "formatted"

# What one machine needs and a cluster must not have: no copies, short waits. infra/compose.yaml says the same.
SETTINGS: Mapping[str, str] = {
    # Topics are born from infra/kafka/topics.yaml, or a wrong name would make one.
    "auto.create.topics.enable": "false",
    # One broker holds the only copy.
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "4",
    # A group's first member waits for nobody, and one that was killed is missed after a second if it says so.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # A broker that was killed may come back after 2 s instead of 9: until then its controller takes it for alive.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    # Compaction and retention are looked after each second: a topic that shortens them shows them in a test.
    "log.cleaner.backoff.ms": "1000",
    "log.retention.check.interval.ms": "1000",
    "log.cleaner.dedupe.buffer.size": str(16 << 20),  # an eighth of the default, which takes half of the heap
    "log.index.size.max.bytes": str(1 << 20),  # a tenth of the default: some 400 partitions have two files of it each
}


class KafkaRefused(Exception):
    """Kafka did not do what it was asked to; says what, and why."""


class KafkaAway(KafkaRefused):
    """Kafka did not even answer."""


class KafkaAt(Cluster):
    """A Kafka that runs somewhere."""

    def __init__(self, bootstrap: str, within_s: float = ANSWERS_WITHIN_S) -> None:
        self.bootstrap, self._within_s = bootstrap, within_s
        self.handle = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})  # that it goes away now and then is no news

    def create(self, topics: Iterable[str], settings: Mapping[str, str] | None = None) -> None:
        """Creates the topics: those of the platform as infra/kafka/topics.yaml says, others with four partitions.

        `settings` go over what the file says, in Kafka's own words. One that is there stays as it is.
        """
        born, asked = {topic.name: topic for topic in read(TOPICS)}, dict[str, NewTopic]()
        for name in topics:
            topic = born.get(name)
            partitions, copies = (topic.partitions, topic.replication[ENVIRONMENT]) if topic else (PARTITIONS, 1)
            config = {**(topic.settings(ENVIRONMENT) if topic else {}), **(settings or {})}
            asked[name] = NewTopic(name, partitions, copies, config=config)
        _done(
            self.handle.create_topics(list(asked.values()), request_timeout=self._within_s) if asked else {},
            KafkaError.TOPIC_ALREADY_EXISTS,
        )
        _until(lambda: asked.keys() <= {name for name, _ in self.partitions()} and self.leads())

    def delete(self, topics: Iterable[str]) -> None:
        """Deletes the topics, and with them what groups have read of them; one that is not there is no matter."""
        gone = set(topics)
        _done(self.handle.delete_topics(list(gone), request_timeout=self._within_s) if gone else {}, KafkaError.UNKNOWN_TOPIC_OR_PART)
        _until(lambda: not gone & {name for name, _ in self.partitions()})

    def leads(self) -> bool:
        """Whether it answers for every partition: after a start its controller makes it their leader one after the other."""
        try:
            places = {TopicPartition(*place): OffsetSpec.latest() for place in self.partitions()}
            for found in self.handle.list_offsets(places, request_timeout=ANSWERS_WITHIN_S).values() if places else ():
                found.result()
        except KafkaException:
            return False
        return True


class Kafka(KafkaAt, Daemon):
    """A Kafka on a folder: `start`, `stop`, `kill`, `pause`, `resume`, as often as one likes; its address stays the same.

    `doors` are further ways in, by Kafka's name of the protocol (SSL, SASL_SSL), each with its settings; `door` says where one is. Where
    it is `guarded`, who comes in by these may do only what they were given.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        say: Say = announce,
        doors: Mapping[str, Mapping[str, str]] | None = None,
        *,
        guarded: bool = False,
        preparing: Path | None = None,
    ) -> None:
        Daemon.__init__(self, "kafka", folder / "kafka.log")
        self.folder = folder
        self._java, self._jars, self._prepares = java(), preparing or installed(say), preparing is not None
        self._doors, self._guards = doors or {}, GUARDED if guarded else {}
        self._chosen, self._ports = port, free_ports()
        self._listen(port or next(self._ports), next(self._ports))

    def start(self) -> None:
        """Starts the broker on its folder, which is formatted at first; returns when it takes requests. Raises NotStarted."""
        self.folder.mkdir(parents=True, exist_ok=True)
        formatted = (self.folder / "data" / "meta.properties").exists()
        while True:
            properties = self._properties()
            if not formatted:
                self._format(properties)
            try:
                self._start(properties)
                return
            except NotStarted:
                # Another process may take a free port between our look and the broker's: then look again.
                if formatted or self._chosen or "Address already in use" not in self.said:
                    raise
                shutil.rmtree(self.folder / "data")
                self._listen(next(self._ports), next(self._ports))

    def door(self, protocol: str) -> str:
        """Where clients come in by that protocol."""
        return f"127.0.0.1:{self._behind[protocol]}"

    def _listen(self, port: int, controller: int) -> None:
        self._port, self._controller = port, controller
        self.bootstrap = f"127.0.0.1:{port}"
        self._behind = {protocol: next(self._ports) for protocol in self._doors}

    def _properties(self) -> Path:
        listeners = {"PLAINTEXT": self.bootstrap, "CONTROLLER": f"127.0.0.1:{self._controller}"}
        listeners |= {protocol: self.door(protocol) for protocol in self._doors}
        further = {
            f"listener.name.{protocol.lower()}.{name}": value
            for protocol, settings in self._doors.items()
            for name, value in settings.items()
        }
        own = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": ",".join(f"{name}:{name}" for name in listeners).replace(
                "CONTROLLER:CONTROLLER", "CONTROLLER:PLAINTEXT"
            ),
            "listeners": ",".join(f"{protocol}://{at}" for protocol, at in listeners.items()),
            "log.dirs": str(self.folder / "data"),
        }
        path = self.folder / "server.properties"
        path.write_text(
            "".join(f"{name}={value}\n" for name, value in {**own, **SETTINGS, **self._guards, **further}.items()), encoding="ascii"
        )
        return path

    def _format(self, properties: Path) -> None:
        if (self._jars / FORMATTED).exists():
            shutil.copytree(self._jars / FORMATTED, self.folder / "data")
            return
        command = [*self._command("kafka.tools.StorageTool"), "format", "--cluster-id", CLUSTER, "--config", str(properties)]
        done = subprocess.run(command, cwd=self._jars, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotStarted(f"the folder {self.folder} could not be formatted:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        if self._prepares:
            shutil.copytree(self.folder / "data", self._jars / FORMATTED)

    def _start(self, properties: Path) -> None:
        self.spawn([*self._command("kafka.Kafka", *self._classes()), str(properties)], self._jars)
        self.until(lambda: READY in self.said)
        KafkaAt.__init__(self, self.bootstrap)
        self.until(self.leads)

    def _classes(self) -> list[str]:
        """What the JVM is told of classes that are kept: where to put them, or where they are."""
        kept = self._jars / CLASSES
        if self._prepares:
            return [f"-XX:ArchiveClassesAtExit={kept}"]
        return [f"-XX:SharedArchiveFile={kept}"] if kept.exists() else []

    def _command(self, main: str, *more: str) -> list[str]:
        """The jars are named as seen from their folder, which is elsewhere while they are made ready: classes are kept by these names."""
        logging = f"-Dlog4j2.configurationFile={NAMED / 'kafka' / 'log4j2.xml'}"
        return [self._java, *JVM, *more, logging, "-cp", "*", main]


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    while not holds():
        if time.monotonic() > deadline:
            raise KafkaRefused(f"the broker took longer than {ANSWERS_WITHIN_S:.0f} s")
        time.sleep(LOOK_AGAIN_S)


def _done(asked: Mapping[str, "Future[None]"], no_matter: int) -> None:
    for name, done in asked.items():
        try:
            done.result()
        except KafkaException as error:
            code = error.args[0].code()
            if code != no_matter:
                raise (KafkaAway if code < 0 else KafkaRefused)(f"{name}: {error.args[0].str()}") from error  # below 0: our own side's


def installed(say: Say = announce) -> Path:
    """Where Kafka's jars are, fetched the first time. Raises NotToBeHad, also where no Java would run them."""
    java()
    return fetched("kafka", say, _prepared)


def _prepared(jars: Path) -> None:
    """Lets a broker live once, and keeps of it what a fresh one would have to make again."""
    with tempfile.TemporaryDirectory(prefix="tartip-kafka-", ignore_cleanup_errors=True) as folder:
        first = Kafka(Path(folder), preparing=jars)
        try:
            first.start()
            first.create([topic.name for topic in read(TOPICS)])
        finally:
            first.stop()
    if first.killed:  # it did not come to the end of what it wrote
        (jars / CLASSES).unlink(missing_ok=True)


@contextmanager
def temporary_kafka(say: Say = announce, doors: Mapping[str, Mapping[str, str]] | None = None, *, guarded: bool = False) -> Iterator[Kafka]:
    """A fresh broker with no topics, gone with its data at the end."""
    with tempfile.TemporaryDirectory(prefix="tartip-kafka-", ignore_cleanup_errors=True) as folder:
        kafka = Kafka(Path(folder), say=say, doors=doors, guarded=guarded)
        try:
            kafka.start()
            yield kafka
        finally:
            kafka.stop()
