"""The ministry is set up: body, units, posts, people, rules, regimes, devices and badges, all by the public API."""

from collections.abc import Callable, Iterable

from tartip.regimes.v1 import assignment_service_pb2 as assignments
from tartip.regimes.v1 import labour_order_rules_service_pb2 as rules
from tartip.registry.v1 import servant_service_pb2 as servants
from tartip.registry.v1 import state_body_service_pb2 as bodies
from tartip.timetracking.v1 import device_service_pb2 as devices

from .calls import HR, OPERATOR, Desk, Desks, all_of, clock_time, day, instant, text
from .level import Levels
from .world import Assignment, Badge, Device, Flexible, Position, Remote, Rules, Servant, ShiftSchedule, Unit, World

Told = Callable[[str], None]


class RowRefused(Exception):
    """The platform refused a row of the import; names it with the reason."""


async def set_up(world: World, desks: Desks, levels: Levels, told: Told) -> dict[str, str]:
    """Records everything, in the order in which it needs each other, and waits until all services know; returns the devices' secrets."""
    operator, hr = await desks.of(OPERATOR), await desks.of(HR)
    told(f"the ministry: {len(world.units)} units, {len(world.positions)} posts, {len(world.servants)} servants")
    await operator.bodies.CreateStateBody(_body(world))
    for unit in _from_the_top(world.units):
        await hr.bodies.CreateUnit(_unit(world.body.id, unit))
    heads = [each for each in world.positions if not each.supervising]
    for posts in (heads, [each for each in world.positions if each.supervising]):
        await all_of(hr.servants.CreatePosition(_position(world.body.id, each)) for each in posts)
    await _import(world, hr)
    await all_of(hr.bodies.AppointUnitHead(_head(world, unit)) for unit in world.units)
    told(f"waiting until regimes and timetracking know them: {len(world.servants)} servants")
    await levels.reached(world.begin)
    told(f"rules, {len(world.assignments)} regimes, {len(world.devices)} devices, {len(world.badges)} badges")
    await all_of(hr.rules.CreateLabourOrderRules(_rules(world.body.id, each)) for each in world.rules)
    await all_of(hr.assignments.CreateAssignment(_assignment(each)) for each in world.assignments)
    enrolled = await all_of(hr.devices.EnrolDevice(_device(world.body.id, each)) for each in world.devices)
    secrets = {each.name.rpartition("/")[2]: await _secret(hr, each) for each in enrolled if each.proof.HasField("secret")}
    await all_of(hr.devices.AssignBadge(badge_request(each)) for each in world.badges)
    told("waiting until every plan is composed and known")
    await levels.reached(world.begin)
    return secrets


async def _secret(hr: Desk, device: devices.Device) -> str:
    """The secret of a device that has just been enrolled: where the first answer was lost, the second does not show it."""
    if not device.proof.secret.value:
        device = await hr.devices.RotateDeviceSecret(devices.RotateDeviceSecretRequest(name=device.name))
    return device.proof.secret.value


async def _import(world: World, hr: Desk) -> None:
    answer = await hr.servants.ImportServants([_row(world.body.id, number, each) for number, each in enumerate(world.servants, start=1)])
    for row in answer.rows:
        if row.outcome not in (servants.ImportedRow.OUTCOME_CREATED, servants.ImportedRow.OUTCOME_UNCHANGED):
            raise RowRefused(f"row {row.row} of the import: {row.refusal.message or servants.ImportedRow.Outcome.Name(row.outcome)}")
    if len(answer.rows) != len(world.servants):
        raise RowRefused(f"{len(world.servants)} rows were imported, {len(answer.rows)} answered")


def _from_the_top(units: Iterable[Unit]) -> list[Unit]:
    """The units, each after the one above it."""
    left, ordered = list(units), list[Unit]()
    while left:
        known = {unit.id for unit in ordered} | {""}
        ordered += [unit for unit in left if unit.parent in known]
        left = [unit for unit in left if unit.parent not in known]
    return ordered


def _body(world: World) -> bodies.CreateStateBodyRequest:
    kind = bodies.StateBodyKind.Value(f"STATE_BODY_KIND_{world.body.kind}")
    body = bodies.StateBody(title=text(world.body.title), kind=kind, region=world.body.region, zone=world.body.zone)
    return bodies.CreateStateBodyRequest(state_body_id=world.body.id, state_body=body)


def _unit(body: str, unit: Unit) -> bodies.CreateUnitRequest:
    above = _unit_name(body, unit.parent) if unit.parent else ""
    made = bodies.Unit(title=text(unit.title), parent_unit=above, hr_service=unit.hr_service)
    return bodies.CreateUnitRequest(parent=f"stateBodies/{body}", unit_id=unit.id, unit=made)


def _head(world: World, unit: Unit) -> bodies.AppointUnitHeadRequest:
    since = next(each.since for each in world.servants if each.id == unit.head)
    name = _unit_name(world.body.id, unit.id)
    return bodies.AppointUnitHeadRequest(name=name, head=f"servants/{unit.head}", since=day(since))


def _position(body: str, position: Position) -> servants.CreatePositionRequest:
    above = f"stateBodies/{body}/positions/{position.supervising}" if position.supervising else ""
    made = servants.Position(
        title=text(position.title), unit=_unit_name(body, position.unit), category=position.category, supervising_position=above
    )
    parent = f"stateBodies/{body}"
    return servants.CreatePositionRequest(parent=parent, position_id=position.id, position=made)


def _row(body: str, number: int, servant: Servant) -> servants.ImportServantsRequest:
    appointment = servants.Appointment(
        position=f"stateBodies/{body}/positions/{servant.position}",
        kind=servants.APPOINTMENT_KIND_MAIN,
        since=day(servant.since),
        rate_percent=100,
        act=servant.act,
    )
    made = servants.Servant(iin=servant.iin, display_name=servant.display_name, appointments=[appointment])
    return servants.ImportServantsRequest(row=number, servant_id=servant.id, servant=made)


def _rules(body: str, of: Rules) -> rules.CreateLabourOrderRulesRequest:
    made = rules.LabourOrderRules(
        unit=of.unit,
        since=day(of.since),
        week_type=rules.WEEK_TYPE_FIVE_DAY,
        start=clock_time(of.start),
        end=clock_time(of.end),
        break_start=clock_time(of.break_start),
        break_end=clock_time(of.break_end),
        premises=of.premises,
        act=of.act,
    )
    made.grace.FromTimedelta(of.grace)
    parent = f"stateBodies/{body}"
    return rules.CreateLabourOrderRulesRequest(parent=parent, labour_order_rules_id=of.id, labour_order_rules=made)


def _assignment(of: Assignment) -> assignments.CreateAssignmentRequest:
    made = assignments.Assignment(since=day(of.since), until=day(of.until), act=of.act)
    match of.regime:
        case Remote(place, weekdays):
            made.remote.CopyFrom(assignments.RemoteRegime(place=place, weekdays=weekdays))
        case Flexible() as hours:
            made.flexible.CopyFrom(
                assignments.FlexibleRegime(
                    start=clock_time(hours.start),
                    end=clock_time(hours.end),
                    core_start=clock_time(hours.core_start),
                    core_end=clock_time(hours.core_end),
                    break_start=clock_time(hours.break_start),
                    break_end=clock_time(hours.break_end),
                )
            )
        case ShiftSchedule(shifts):
            made.shift.shifts.extend(
                assignments.Shift(
                    date=day(shift.date),
                    start=clock_time(shift.start),
                    end=clock_time(shift.end),
                    break_start=clock_time(shift.break_start),
                    break_end=clock_time(shift.break_end),
                )
                for shift in shifts
            )
    parent = f"servants/{of.servant}"
    return assignments.CreateAssignmentRequest(parent=parent, assignment_id=of.id, assignment=made)


def _device(body: str, device: Device) -> devices.EnrolDeviceRequest:
    settings = devices.DeviceSettings(
        role=devices.DeviceRole.Value(f"DEVICE_ROLE_{device.role.name}"),
        direction=devices.DeviceDirection.Value(f"DEVICE_DIRECTION_{device.direction.name}"),
        premises=device.premises,
    )
    if device.zone is None:
        settings.as_sent = True
    else:
        settings.zone = device.zone
    protocol = {"ADMS": devices.DEVICE_PROTOCOL_ZKTECO_ADMS, "ISAPI": devices.DEVICE_PROTOCOL_HIKVISION_ISAPI}[device.protocol.name]
    made = devices.Device(protocol=protocol, badge_system=device.badge_system, settings=[settings])
    if protocol == devices.DEVICE_PROTOCOL_HIKVISION_ISAPI:  # its address takes a path; of the terminals' firmware not all does
        made.proof.secret.SetInParent()
    else:
        made.proof.networks.cidrs.append("127.0.0.0/8")
    parent = f"stateBodies/{body}"
    return devices.EnrolDeviceRequest(parent=parent, device_id=device.serial, device=made)


def badge_request(of: Badge) -> devices.AssignBadgeRequest:
    """Asks to put a badge into a servant's hands."""
    made = devices.Badge(badge_system=of.system, badge_number=of.number, since=instant(of.since))
    if of.until is not None:
        made.until.CopyFrom(instant(of.until))
    return devices.AssignBadgeRequest(parent=f"servants/{of.servant}", badge=made)


def _unit_name(body: str, unit: str) -> str:
    return f"stateBodies/{body}/units/{unit}"
