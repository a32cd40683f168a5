import pytest
from kernel.faults import Malformed
from kernel.names import CODE, body_name, body_of, ids_in, servant_name, servant_of, unit_name


def test_the_ids_in_a_resource_name_are_read_from_all_of_it() -> None:
    pattern, shape = f"bodies/({CODE}+)/units/({CODE}+)", "bodies/{body}/units/{unit}"
    assert ids_in("bodies/KGD/units/7", "name", pattern, shape) == ("KGD", "7")
    for wrong in ("bodies/KGD", "bodies/KGD/units/7/", "bodies/KGD/units/7\n", "bodies/KGD/units/сектор"):
        with pytest.raises(Malformed) as refused:
            ids_in(wrong, "name", pattern, shape)
        assert refused.value.violations == {"name": "a name like bodies/{body}/units/{unit}"}


def test_a_name_leads_back_to_its_id() -> None:
    assert body_of(body_name("KGD"), "name") == "KGD"
    assert servant_of(servant_name("serikova"), "name") == "serikova"
    assert unit_name("KGD", "audit") == "stateBodies/KGD/units/audit"


@pytest.mark.parametrize("name", ["", "stateBodies/", "stateBodies/K", "stateBodies/KGD/units/7", "statebodies/KGD", "KGD"])
def test_what_is_no_name_of_a_body_is_malformed(name: str) -> None:
    with pytest.raises(Malformed) as refused:
        body_of(name, "parent")
    assert refused.value.violations == {"parent": "a name like stateBodies/{state_body}"}
