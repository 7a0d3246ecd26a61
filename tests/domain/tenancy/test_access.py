"""Who may do what: the whole table, spelled out."""

import pytest

from domain.tenancy.access import Action, ActionNotAllowed, Role, require

YES, NO = True, False
#                 READ  ASK  EDIT_DOCUMENTS  EDIT_SETTINGS  CREATE_SPACE
TABLE = {
    Role.OWNER: (YES, YES, YES, YES, YES),
    Role.ADMIN: (YES, YES, YES, YES, YES),
    Role.EDITOR: (YES, YES, YES, NO, NO),
    Role.REVIEWER: (YES, NO, NO, NO, NO),
    Role.VIEWER: (YES, NO, NO, NO, NO),
}
ACTIONS = (
    Action.READ,
    Action.ASK,
    Action.EDIT_DOCUMENTS,
    Action.EDIT_SETTINGS,
    Action.CREATE_SPACE,
)
CASES = [
    (role, action, allowed)
    for role, row in TABLE.items()
    for action, allowed in zip(ACTIONS, row, strict=True)
]


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(Role)
    assert set(ACTIONS) == set(Action)


@pytest.mark.parametrize(("role", "action"), [(r, a) for r, a, allowed in CASES if allowed])
def test_is_allowed(role: Role, action: Action) -> None:
    require(role, action)


@pytest.mark.parametrize(("role", "action"), [(r, a) for r, a, allowed in CASES if not allowed])
def test_is_not_allowed(role: Role, action: Action) -> None:
    with pytest.raises(ActionNotAllowed) as refusal:
        require(role, action)
    assert refusal.value.metadata == {"role": role.value, "action": action.value}
